//! Who stands in the door: every connection, which of them wait, and who has to go when there are too many.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use crate::doors::held;

/// All connections of one listener. Clones share it.
#[derive(Clone)]
pub(super) struct Table {
    shared: Arc<Shared>,
}

struct Shared {
    connections_max: usize,
    waiting_max: usize,
    state: Mutex<State>,
    /// Woken when the last connection has gone.
    gone: Notify,
}

#[derive(Default)]
struct State {
    next: u64,
    connections: HashMap<u64, Connection>,
    /// The waiting ones in the order in which they began to wait.
    waiting: BTreeMap<u64, u64>,
}

struct Connection {
    address: IpAddr,
    /// Its place among the waiting; `None` while it is busy.
    place: Option<u64>,
    out: Arc<Notify>,
}

/// One connection's place in the table, until it is dropped.
pub(super) struct Ticket {
    shared: Arc<Shared>,
    id: u64,
    out: Arc<Notify>,
}

/// Keeps a connection among the busy ones until it is dropped.
pub(super) struct Busy {
    shared: Arc<Shared>,
    id: u64,
}

impl Table {
    pub(super) fn new(connections_max: usize, waiting_max: usize) -> Self {
        let (state, gone) = (Mutex::default(), Notify::new());
        Self { shared: Arc::new(Shared { connections_max, waiting_max, state, gone }) }
    }

    /// Takes a connection in, if need be in the place of one that waits. `None`: all are busy, there is no room.
    pub(super) fn admit(&self, address: IpAddr) -> Option<Ticket> {
        let mut state = held(&self.shared.state);
        if state.waiting.len() >= self.shared.waiting_max
            || state.connections.len() >= self.shared.connections_max
        {
            state.push_one_out();
        }
        if state.connections.len() >= self.shared.connections_max {
            return None;
        }
        let (id, place) = (state.number(), state.number());
        let out = Arc::new(Notify::new());
        state.connections.insert(id, Connection { address, place: Some(place), out: Arc::clone(&out) });
        state.waiting.insert(place, id);
        Some(Ticket { shared: Arc::clone(&self.shared), id, out })
    }

    /// Lets go of one that waits.
    pub(super) fn push_one_out(&self) {
        held(&self.shared.state).push_one_out();
    }

    /// Lets go of all.
    pub(super) fn push_all_out(&self) {
        let mut outs: Vec<Arc<Notify>> = Vec::new();
        outs.extend(held(&self.shared.state).connections.values().map(|c| Arc::clone(&c.out)));
        outs.iter().for_each(|out| out.notify_one());
    }

    /// Waits until no connection is left.
    pub(super) async fn empty(&self) {
        loop {
            let gone = self.shared.gone.notified();
            if held(&self.shared.state).connections.is_empty() {
                return;
            }
            gone.await;
        }
    }
}

impl State {
    const fn number(&mut self) -> u64 {
        self.next = self.next.wrapping_add(1);
        self.next
    }

    /// Lets the oldest waiting connection go of the address that holds most of them.
    fn push_one_out(&mut self) {
        let mut held: HashMap<IpAddr, (usize, u64)> = HashMap::new();
        for (place, id) in &self.waiting {
            if let Some(connection) = self.connections.get(id) {
                held.entry(connection.address).or_insert((0, *place)).0 += 1;
            }
        }
        let worst = held.into_values().max_by_key(|(n, oldest)| (*n, std::cmp::Reverse(*oldest)));
        let Some(id) = worst.and_then(|(_, oldest)| self.waiting.remove(&oldest)) else { return };
        if let Some(connection) = self.connections.remove(&id) {
            connection.out.notify_one();
        }
    }
}

impl Ticket {
    /// Waits until the connection has to go.
    pub(super) fn pushed_out(&self) -> impl Future<Output = ()> + use<> {
        let out = Arc::clone(&self.out);
        async move { out.notified().await }
    }

    /// Moves the connection to the busy ones: a request has arrived whole.
    pub(super) fn busy(&self) -> Busy {
        let mut state = held(&self.shared.state);
        if let Some(place) = state.connections.get_mut(&self.id).and_then(|c| c.place.take()) {
            state.waiting.remove(&place);
        }
        Busy { shared: Arc::clone(&self.shared), id: self.id }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut state = held(&self.shared.state);
        let place = state.number();
        if let Some(connection) = state.connections.get_mut(&self.id) {
            connection.place = Some(place);
            state.waiting.insert(place, self.id);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut state = held(&self.shared.state);
        if let Some(place) = state.connections.remove(&self.id).and_then(|c| c.place) {
            state.waiting.remove(&place);
        }
        if state.connections.is_empty() {
            self.shared.gone.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));

    fn is_in(table: &Table, ticket: &Ticket) -> bool {
        held(&table.shared.state).connections.contains_key(&ticket.id)
    }

    #[test]
    fn the_oldest_of_the_greediest_goes_first() {
        let table = Table::new(100, 4);
        let neighbour = table.admit(THERE).unwrap();
        let crowd: Vec<Ticket> = (0..3).map(|_| table.admit(HERE).unwrap()).collect();
        let newcomer = table.admit(HERE).unwrap();
        assert!(is_in(&table, &neighbour), "older than all, and alone at its address");
        assert!(!is_in(&table, &crowd[0]), "the oldest of the crowd");
        assert!(is_in(&table, &crowd[1]) && is_in(&table, &newcomer), "the younger ones stay");
    }

    #[test]
    fn who_is_answered_is_never_pushed_out() {
        let table = Table::new(3, 2);
        let listener = table.admit(HERE).unwrap();
        let busy = listener.busy();
        for _ in 0..100 {
            drop(table.admit(HERE));
        }
        let _crowd: Vec<Ticket> = (0..100).filter_map(|_| table.admit(HERE)).collect();
        assert!(is_in(&table, &listener), "still there");
        drop(busy);
        let _more: Vec<Ticket> = (0..3).filter_map(|_| table.admit(HERE)).collect();
        assert!(!is_in(&table, &listener), "waiting again, and the oldest by now");
    }

    #[test]
    fn when_all_are_busy_there_is_no_room() {
        let table = Table::new(2, 2);
        let tickets = [table.admit(HERE).unwrap(), table.admit(HERE).unwrap()];
        let _busy: Vec<Busy> = tickets.iter().map(Ticket::busy).collect();
        assert!(table.admit(THERE).is_none(), "nobody can be pushed out");
    }

    #[test]
    fn nothing_is_left_of_those_who_went() {
        let table = Table::new(10, 10);
        let ticket = table.admit(HERE).unwrap();
        let busy = ticket.busy();
        drop(ticket);
        drop(busy);
        let state = held(&table.shared.state);
        assert!(state.connections.is_empty() && state.waiting.is_empty(), "an empty table");
    }
}
