//! Real calls: SIP over UDP or TCP, audio over RTP, between two addresses of this machine or of two namespaces.
//!
//! A [`Plan`] says everything; [`place`] carries it out over real sockets in real time and [`to_pcap`] writes the very same
//! calls as a capture file. What each party says is a pure function of the plan ([`Plan::fed`]), so a test knows every
//! byte that was on the wire, also when the two parties are two processes.
//!
//! This is no SIP stack: it says what a well-behaved telephone says in the common case and gives up with a clear error in
//! any other. Hostile and odd signalling is written out by hand in the tests that want it.

mod codec;
mod party;
mod pcap;
mod plan;
mod rtp;
mod sip;
mod speech;
mod wire;

use std::sync::Arc;
use std::thread;
use std::time::Instant;

pub use codec::{Codec, alaw_decode, ulaw_decode};
pub use pcap::to_pcap;
pub use plan::{Answer, Plan, Roles, Side};
pub use rtp::Fed;
pub use speech::Voice;
pub use wire::Transport;

/// Why calls could not be placed, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The plan contradicts itself.
    #[error("the plan can't be carried out: {0}")]
    Plan(String),
    /// A socket said no.
    #[error("call {call}: {what}: {source}")]
    Socket {
        /// Number of the call.
        call: u32,
        /// What was tried.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The other party did not do what a telephone does.
    #[error("call {call}: waited {seconds} s for {what}")]
    Silence {
        /// Number of the call.
        call: u32,
        /// What was waited for.
        what: &'static str,
        /// How long.
        seconds: u64,
    },
    /// The other party said something else.
    #[error("call {call}: expected {expected}, got {got:?}")]
    Unexpected {
        /// Number of the call.
        call: u32,
        /// What should have come.
        expected: &'static str,
        /// First line of what came.
        got: String,
    },
    /// A file could not be written.
    #[error("{file}: {source}")]
    File {
        /// Which.
        file: String,
        /// What the system said.
        source: std::io::Error,
    },
}

/// A call that was placed.
#[derive(Debug, Clone)]
pub struct Placed {
    /// Its number in the plan.
    pub call: u32,
    /// Its Call-ID.
    pub call_id: String,
    /// What the caller said; empty if only the callee was played here, or if nobody answered.
    pub caller: Option<Fed>,
    /// What the callee said.
    pub callee: Option<Fed>,
    /// Packets of audio and digits that the caller received.
    pub caller_heard: u32,
    /// Packets of audio and digits that the callee received.
    pub callee_heard: u32,
}

impl Placed {
    /// True if each party that was played here received every packet which the other sent.
    #[must_use]
    pub fn was_heard_whole(&self, plan: &Plan) -> bool {
        let caller_heard_all = self.caller_heard == plan.packets_sent(Side::Callee);
        let callee_heard_all = self.callee_heard == plan.packets_sent(Side::Caller);
        (self.caller.is_none() || caller_heard_all) && (self.callee.is_none() || callee_heard_all)
    }
}

/// Places all calls of the plan in real time and returns when the last is over, sorted by number.
///
/// Each party of each call runs on a named thread of its own (`caller-00007`).
///
/// # Errors
/// The first thing that went wrong; the other calls are nevertheless brought to their end.
pub fn place(plan: &Plan) -> Result<Vec<Placed>, CallError> {
    plan.check()?;
    let plan = Arc::new(plan.clone());
    let began = Instant::now();
    let mut running = Vec::new();
    for (nth, call) in plan.numbers().enumerate() {
        let start = plan.start_gap * u32::try_from(nth).unwrap_or(u32::MAX);
        thread::sleep(start.saturating_sub(began.elapsed()));
        // The callee's sockets are open before the caller speaks.
        let callee = plan.roles.callee().then(|| party::Callee::ready(&plan, call)).transpose()?;
        let caller = plan.roles.caller().then(|| party::Caller::ready(&plan, call)).transpose()?;
        let callee = callee.map(|c| run(format!("callee-{call:05}"), move || c.run())).transpose()?;
        let caller = caller.map(|c| run(format!("caller-{call:05}"), move || c.run())).transpose()?;
        running.push((call, caller, callee));
    }
    let mut placed = Vec::new();
    let mut first_fault = None;
    for (call, caller, callee) in running {
        match (finish(caller), finish(callee)) {
            (Ok(caller), Ok(callee)) => placed.push(joined(&plan, call, caller, callee)),
            (Err(e), _) | (_, Err(e)) => first_fault = first_fault.or(Some(e)),
        }
    }
    first_fault.map_or(Ok(placed), Err)
}

type Running = thread::JoinHandle<Result<party::Said, CallError>>;

fn run(
    name: String,
    party: impl FnOnce() -> Result<party::Said, CallError> + Send + 'static,
) -> Result<Running, CallError> {
    let stack_bytes = 256 * 1024; // thousands of parties at once
    thread::Builder::new()
        .name(name.clone())
        .stack_size(stack_bytes)
        .spawn(party)
        .map_err(|source| CallError::Socket { call: 0, what: format!("starting the thread {name}"), source })
}

fn finish(running: Option<Running>) -> Result<Option<party::Said>, CallError> {
    match running.map(thread::JoinHandle::join) {
        None => Ok(None),
        Some(Ok(said)) => said.map(Some),
        Some(Err(panic)) => std::panic::resume_unwind(panic),
    }
}

fn joined(plan: &Plan, call: u32, caller: Option<party::Said>, callee: Option<party::Said>) -> Placed {
    Placed {
        call,
        call_id: plan.call_id(call),
        caller_heard: caller.as_ref().map_or(0, |s| s.heard),
        callee_heard: callee.as_ref().map_or(0, |s| s.heard),
        caller: caller.and_then(|s| s.fed),
        callee: callee.and_then(|s| s.fed),
    }
}
