//! A line between two programs that a test holds in its hands: it can be slow, far, stalling, and cut.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::serve::in_background;

/// The line. It goes on until the test's process ends.
#[derive(Clone)]
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
}

struct State {
    to: Mutex<SocketAddr>,
    is_cut: AtomicBool,
    delay_ms: AtomicU64,
    /// Of a thousand pieces, so many come 300 ms late and everything behind them with them: what a lost packet does to TCP.
    lost: AtomicU64,
    /// Bytes a second each way; 0: no limit.
    rate: AtomicU64,
    open: Mutex<Vec<TcpStream>>,
    carried: AtomicU64,
}

impl Relay {
    /// Lays a line to `to`.
    pub(crate) fn to(to: SocketAddr) -> Self {
        Self::between("127.0.0.1", to)
    }

    /// Lays a line from an address of this machine to `to`.
    pub(crate) fn between(from: &str, to: SocketAddr) -> Self {
        let listener = TcpListener::bind((from, 0)).expect("a port");
        let address = listener.local_addr().expect("it is bound");
        let state = Arc::new(State {
            to: Mutex::new(to),
            is_cut: AtomicBool::new(false),
            delay_ms: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            rate: AtomicU64::new(0),
            open: Mutex::default(),
            carried: AtomicU64::new(0),
        });
        let relay = Self { address, state: Arc::clone(&state) };
        in_background("relay", move || {
            for near in listener.incoming().map_while(Result::ok) {
                join(&state, near);
            }
        });
        relay
    }

    /// Cuts it: open connections break, and new ones are closed at once.
    pub(crate) fn cut(&self) {
        self.state.is_cut.store(true, Ordering::SeqCst);
        for stream in self.state.open.lock().unwrap().drain(..) {
            drop(stream.shutdown(Shutdown::Both));
        }
    }

    /// Makes it whole again.
    pub(crate) fn mend(&self) {
        self.state.is_cut.store(false, Ordering::SeqCst);
    }

    /// Makes it a bad one: delay each way, losses of a thousand, bytes a second.
    pub(crate) fn worsen(&self, delay_ms: u64, lost: u64, rate: u64) {
        self.state.delay_ms.store(delay_ms, Ordering::SeqCst);
        self.state.lost.store(lost, Ordering::SeqCst);
        self.state.rate.store(rate, Ordering::SeqCst);
    }

    /// Bytes that went over it, both ways.
    pub(crate) fn carried(&self) -> u64 {
        self.state.carried.load(Ordering::Relaxed)
    }
}

fn join(state: &Arc<State>, near: TcpStream) {
    let to = *state.to.lock().unwrap();
    let (false, Ok(far)) = (state.is_cut.load(Ordering::SeqCst), TcpStream::connect(to)) else { return };
    let again = |stream: &TcpStream| stream.try_clone().expect("a descriptor");
    drop(near.set_nodelay(true));
    drop(far.set_nodelay(true));
    state.open.lock().unwrap().extend([again(&near), again(&far)]);
    carry(Arc::clone(state), again(&near), again(&far));
    carry(Arc::clone(state), far, near);
}

/// One direction: a thread that reads and stamps, and one that writes when the time has come.
fn carry(state: Arc<State>, mut from: TcpStream, mut to: TcpStream) {
    let (put, take) = std::sync::mpsc::sync_channel::<(Instant, Vec<u8>)>(256);
    let reading = Arc::clone(&state);
    in_background("relay-in", move || {
        let (mut piece, mut dice, mut free) = (vec![0; 4 << 10], 0x2545_F491_4F6C_DD1D_u64, Instant::now());
        while let Ok(n @ 1..) = from.read(&mut piece) {
            reading.carried.fetch_add(n as u64, Ordering::Relaxed);
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            free = free.max(Instant::now());
            let rate = reading.rate.load(Ordering::SeqCst);
            if let Some(us) = (n as u64 * 1_000_000).checked_div(rate) {
                free += Duration::from_micros(us);
            }
            if dice % 1_000 < reading.lost.load(Ordering::SeqCst) {
                free += Duration::from_millis(300);
            }
            let due = free + Duration::from_millis(reading.delay_ms.load(Ordering::SeqCst));
            if put.send((due, piece[..n].to_vec())).is_err() {
                return;
            }
        }
    });
    in_background("relay-out", move || {
        for (due, piece) in take {
            sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&piece).is_err() {
                break;
            }
        }
        drop(to.shutdown(Shutdown::Both));
    });
}
