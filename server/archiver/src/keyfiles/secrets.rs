//! What the daily login needs of the key store, and all that a restore needs: taken out under the store's lock in a moment,
//! because making slots takes minutes and the recorder must not wait for the store meanwhile.

use std::collections::BTreeMap;

use archive::{DaySecret, SiteJson, SiteSecrets};
use daily_login::chain::LENGTH_DAYS;
use daily_login::{ChainKey, Chained, Lane, LaneSecret};
use rand_core::CryptoRng;
use seal::keystore::Keystore;
use seal::{KeyId, SigningKey};
use shared::Day;
use zeroize::Zeroizing;

const CHAIN_GENERATION: &str = "daily-login/chain-generation";
const CHAIN_TOP: &str = "daily-login/chain-top";
const LANE_ADMIN: &str = "daily-login/lane-admin";
const LANE_HELPDESK: &str = "daily-login/lane-helpdesk";
const PEPPER: &str = "daily-login/pepper";

/// In a recovery vault: the key of the database, 32 bytes.
pub const CATALOGUE_KEY: &str = "catalogue";
/// In a recovery vault: the seed of the key with which central signed, 32 bytes.
pub const CENTRAL_KEY: &str = "central-signing";
/// In a recovery vault: `keys/recorder.key` of the recorder in central, as it lies there.
pub const RECORDER_KEY: &str = "recorder";
/// In a recovery vault: what stands before the name of a further secret of the key store.
pub const NAMED: &str = "named/";

/// Keys and secrets of a site, taken out of its key store. Wiped when dropped.
#[allow(missing_debug_implementations, reason = "it holds keys")]
pub struct Secrets {
    pub(super) of: Chained,
    pub(super) top: ChainKey,
    pub(super) lanes: Vec<LaneSecret>,
    pub(super) pepper: Option<Zeroizing<[u8; 32]>>,
    pub(super) days: Vec<DaySecret>,
    pub(super) shredded: BTreeMap<KeyId, Day>,
    pub(super) signing: SigningKey,
    pub(super) others: BTreeMap<String, Zeroizing<Vec<u8>>>,
}

/// Draws the chain of days and both lanes if the store has none, as in sites made by older versions. True says that it drew:
/// seal the store and make it durable **before** anything is made from the new secrets.
pub fn draw_secrets(store: &mut Keystore, dice: &mut impl CryptoRng) -> bool {
    if store.named(CHAIN_GENERATION).is_some() {
        return false;
    }
    for name in [CHAIN_TOP, LANE_ADMIN, LANE_HELPDESK] {
        let mut secret = Zeroizing::new([0; 32]);
        dice.fill_bytes(secret.as_mut_slice());
        store.set_named(name, secret.as_slice());
    }
    store.set_named(CHAIN_GENERATION, &1_u32.to_le_bytes());
    true
}

impl Secrets {
    /// Takes the secrets out of the key store. `recorder_key` are the bytes of `keys/recorder.key`, to be restored with the rest.
    /// `None` if [`draw_secrets`] was not called yet, or the store's members have other lengths.
    #[must_use]
    pub fn of(store: &Keystore, card: &SiteJson, recorder_key: &[u8]) -> Option<Self> {
        let key = |name| Some(Zeroizing::new(<[u8; 32]>::try_from(store.named(name)?).ok()?));
        let generation = u32::from_le_bytes(store.named(CHAIN_GENERATION)?.try_into().ok()?);
        let of = Chained { site_id: card.site_id, generation };
        let lane = |lane, name| key(name).map(|key| LaneSecret::new(lane, of, key));
        let admin = lane(Lane::Admin, LANE_ADMIN)?;
        let lanes = [Some(admin), lane(Lane::Helpdesk, LANE_HELPDESK)].into_iter().flatten().collect();
        let day =
            |d: &seal::keystore::DaySeed| DaySecret { day: d.day, key_id: d.key_id, secret: d.secret() };
        Some(Self {
            of,
            top: ChainKey::new(top_day(card)?, key(CHAIN_TOP)?),
            lanes,
            pepper: key(PEPPER),
            days: store.days().iter().map(day).collect(),
            shredded: store.shredded().clone(),
            signing: SigningKey::from_seed(store.signing_key().expose()),
            others: others_of(store, recorder_key),
        })
    }

    /// Returns which chain of days it is.
    #[must_use]
    pub const fn chain(&self) -> Chained {
        self.of
    }

    /// Returns the secret of a lane, to issue logins; `None` if the site has switched it off.
    #[must_use]
    pub fn lane(&self, lane: Lane) -> Option<&LaneSecret> {
        self.lanes.iter().find(|secret| secret.lane() == lane)
    }

    /// Copies what the recovery vault holds besides the keys of days.
    pub(super) fn for_recovery(&self) -> Option<SiteSecrets> {
        let lane = |lane| self.lane(lane).map(|secret| Zeroizing::new(*secret.expose()));
        Some(SiteSecrets {
            chain_top: Zeroizing::new(*self.top.expose()),
            lane_admin: lane(Lane::Admin)?,
            lane_helpdesk: lane(Lane::Helpdesk),
            pepper: self.pepper.clone(),
            others: self.others.clone(),
        })
    }
}

/// Puts the chain and the lanes of a recovery vault back among the named secrets of a key store. `generation` is the chain's,
/// as the vault's head says.
#[must_use]
pub fn restored_names(secrets: &SiteSecrets, generation: u32) -> BTreeMap<String, Zeroizing<Vec<u8>>> {
    let named = secrets
        .others
        .iter()
        .filter_map(|(name, secret)| name.strip_prefix(NAMED).map(|name| (name.to_owned(), secret.clone())));
    let mut names: BTreeMap<String, Zeroizing<Vec<u8>>> = named.collect();
    let own = [
        (CHAIN_TOP, Some(&secrets.chain_top)),
        (LANE_ADMIN, Some(&secrets.lane_admin)),
        (LANE_HELPDESK, secrets.lane_helpdesk.as_ref()),
        (PEPPER, secrets.pepper.as_ref()),
    ];
    let own =
        own.into_iter().filter_map(|(name, key)| Some((name.to_owned(), Zeroizing::new(key?.to_vec()))));
    names.extend(own);
    names.insert(CHAIN_GENERATION.to_owned(), Zeroizing::new(generation.to_le_bytes().to_vec()));
    names
}

/// The day of `K_T`: forty years behind commissioning.
fn top_day(card: &SiteJson) -> Option<Day> {
    card.commissioned.plus_days(LENGTH_DAYS)
}

fn others_of(store: &Keystore, recorder_key: &[u8]) -> BTreeMap<String, Zeroizing<Vec<u8>>> {
    let own = [CHAIN_GENERATION, CHAIN_TOP, LANE_ADMIN, LANE_HELPDESK, PEPPER];
    let named = store.all_named().iter().filter(|(name, _)| !own.contains(&name.as_str()));
    let named = named.map(|(name, secret)| (format!("{NAMED}{name}"), secret.clone()));
    let mut others: BTreeMap<String, Zeroizing<Vec<u8>>> = named.collect();
    for (name, secret) in [
        (CATALOGUE_KEY, store.catalogue_key().as_slice()),
        (CENTRAL_KEY, store.signing_key().expose().as_slice()),
        (RECORDER_KEY, recorder_key),
    ] {
        others.insert(name.to_owned(), Zeroizing::new(secret.to_vec()));
    }
    others
}
