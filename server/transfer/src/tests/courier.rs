//! The courier with a real outpost: a certificate that comes to its end is renewed before anything is sent.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use seal::SigningKey;
use shared::{RecorderId, RecordingId, Stamp};
use vault::{Outpost, VaultConfig};

use super::loopback::{DAY_US, SITE, central, key, now, runtime};
use crate::document::{Document, Trust};
use crate::proto::Order;
use crate::satellite::{Courier, CourierConfig, Home};
use crate::tls::{self, Identity};

/// What a satellite keeps, in memory.
struct Memory {
    trust: Trust,
    authority: String,
    signer: SigningKey,
    pem: Mutex<String>,
    alarms: Mutex<Vec<String>>,
}

impl Home for Memory {
    fn now(&self) -> Stamp {
        now()
    }

    fn dice(&self) -> u64 {
        4
    }

    fn signer(&self) -> &SigningKey {
        &self.signer
    }

    fn trust(&self) -> Trust {
        self.trust.clone()
    }

    fn authority(&self) -> String {
        self.authority.clone()
    }

    fn identity(&self) -> Result<Identity, String> {
        Identity::from_pem(&self.pem.lock().unwrap()).map_err(|e| e.to_string())
    }

    fn renewed(&self, identity: &Identity) -> Result<(), String> {
        *self.pem.lock().unwrap() = identity.expose_pem().to_owned();
        Ok(())
    }

    fn follow(&self, _document: Document, _bytes: &[u8]) -> Result<(), String> {
        Ok(())
    }

    fn status(&self) -> Vec<u8> {
        b"{}".to_vec()
    }

    fn calls(&self, _anew: bool) -> Option<Vec<u8>> {
        None
    }

    fn listen(&self, _id: RecordingId) {}

    fn clock_differs(&self, _offset_us: i64) {}

    fn heard(&self) {}

    fn cut_off(&self, _why: &str) {}

    fn say(&self, _text: &str) {}

    fn alarm(&self, text: &str) {
        self.alarms.lock().unwrap().push(text.to_owned());
    }
}

#[test]
fn a_certificate_is_renewed_thirty_days_before_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = runtime();
    runtime.block_on(async {
        let central = central().await;
        central.books.aged_us.store(61 * DAY_US, Ordering::Relaxed);
        let home = central.enrol(&central.invite(1), 7).await.unwrap();
        let first = home.identity.expose_pem().to_owned();
        assert!(tls::holds_at(&home.authority, &home.identity, now().utc).unwrap(), "it is good today");
        let next_month = now().utc.plus(30 * DAY_US);
        assert!(!tls::holds_at(&home.authority, &home.identity, next_month).unwrap(), "and not in a month");

        let (recorder_id, zone) = (RecorderId([7; 16]), home.trust.site.zone.clone());
        let config = VaultConfig { site_id: SITE, zone, recorder_id, letter: 'B' };
        let outpost = Arc::new(Outpost::create(folder.path(), config).unwrap());
        let memory = Arc::new(Memory {
            trust: home.trust,
            authority: home.authority.clone(),
            signer: key(7),
            pem: Mutex::new(first.clone()),
            alarms: Mutex::default(),
        });
        let (address, order) = (central.at(), Order::LiveFirst);
        let config = CourierConfig { site_id: SITE, recorder_id, boot: [1; 16], address, order };
        let courier = Courier::start(config, outpost, Arc::<Memory>::clone(&memory)).unwrap();
        let since = Instant::now();
        while *memory.pem.lock().unwrap() == first {
            assert!(since.elapsed() < Duration::from_secs(60), "{:?}", memory.alarms.lock().unwrap());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let renewed = memory.identity().unwrap();
        assert!(tls::holds_at(&home.authority, &renewed, next_month).unwrap());
        tokio::task::spawn_blocking(move || courier.stop()).await.unwrap();
        assert!(memory.alarms.lock().unwrap().is_empty(), "{:?}", memory.alarms.lock().unwrap());
    });
}
