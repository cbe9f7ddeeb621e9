//! The kernel's side of AF_PACKET: every unsafe call of this crate, each behind a safe face.
//!
//! Source: packet(7), `Documentation/networking/packet_mmap.rst`, `linux/if_packet.h`.
#![allow(
    unsafe_code,
    reason = "raw sockets and their shared ring can't be had otherwise; nothing unsafe leaves this file"
)]

use std::ffi::{CStr, CString};
use std::io::{Error, Result};
use std::mem::{size_of, zeroed};
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU32, Ordering};

use libc::{c_int, c_short, c_void, socklen_t};

use super::block;

/// `ETHTOOL_GGRO` and `ETHTOOL_GFLAGS` of `linux/ethtool.h`, and the flag of the latter that means LRO.
const ETHTOOL_GGRO: u32 = 0x2b;
const ETHTOOL_GFLAGS: u32 = 0x25;
const FLAG_LRO: u32 = 1 << 15;
const SIOCETHTOOL: libc::Ioctl = 0x8946;
const PACKET_IGNORE_OUTGOING: c_int = 23;
/// Where a block's status lies in it: after version and offset of the private area.
const STATUS_AT: usize = 8;

/// One instruction of a classic BPF program, as `tcpdump -dd` prints it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FilterOp {
    /// The operation.
    pub code: u16,
    /// Instructions to skip when true.
    pub jt: u8,
    /// Instructions to skip when false.
    pub jf: u8,
    /// The operand.
    pub k: u32,
}

/// Opens a raw packet socket that receives nothing yet.
pub(super) fn open_socket() -> Result<OwnedFd> {
    let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: takes numbers only.
    let fd = unsafe { libc::socket(libc::AF_PACKET, kind, 0) };
    if fd < 0 {
        return Err(Error::last_os_error());
    }
    // SAFETY: the kernel just gave us this descriptor and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Returns the number of an interface, or `None` when there is none of that name.
pub(super) fn interface_index(name: &str) -> Option<c_int> {
    let name = CString::new(name).ok()?;
    // SAFETY: `name` ends with a zero and lives through the call.
    let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
    c_int::try_from(index).ok().filter(|index| *index > 0)
}

/// Returns the names of all interfaces.
pub(super) fn interface_names() -> Vec<String> {
    let mut names = Vec::new();
    // SAFETY: returns null or an array that ends with an entry whose index is 0 and name null.
    let list = unsafe { libc::if_nameindex() };
    let mut at = list;
    // SAFETY: `at` stays inside the array: it is advanced only past entries that aren't the last.
    while let Some(entry) = unsafe { at.as_ref() } {
        if entry.if_index == 0 || entry.if_name.is_null() {
            break;
        }
        // SAFETY: the name is a string of the C library that lives until the list is freed.
        names.push(unsafe { CStr::from_ptr(entry.if_name) }.to_string_lossy().into_owned());
        at = at.wrapping_add(1);
    }
    if !list.is_null() {
        // SAFETY: the list came from `if_nameindex` and is not used after.
        unsafe { libc::if_freenameindex(list) };
    }
    names
}

fn request(name: &str) -> libc::ifreq {
    // SAFETY: all zeros is a valid `ifreq`.
    let mut request: libc::ifreq = unsafe { zeroed() };
    let room = request.ifr_name.len().saturating_sub(1);
    for (to, from) in request.ifr_name.iter_mut().take(room).zip(name.bytes()) {
        #[allow(
            trivial_numeric_casts,
            clippy::cast_possible_wrap,
            reason = "C's char has a sign on some machines"
        )]
        let character = from as libc::c_char;
        *to = character;
    }
    request
}

/// Tells whether an interface is up.
pub(super) fn is_up(socket: &OwnedFd, name: &str) -> Result<bool> {
    let mut request = request(name);
    // SAFETY: the kernel fills the flags of a request that we own.
    check(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCGIFFLAGS, &mut request) })?;
    // SAFETY: the call above wrote this member.
    let flags = unsafe { request.ifr_ifru.ifru_flags };
    Ok(c_int::from(flags) & libc::IFF_UP != 0)
}

/// Returns the hardware type (`ARPHRD_*`) of an interface.
pub(super) fn hardware_type(socket: &OwnedFd, name: &str) -> Result<u16> {
    let mut request = request(name);
    // SAFETY: the kernel fills the address of a request that we own.
    check(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCGIFHWADDR, &mut request) })?;
    // SAFETY: the call above wrote this member.
    Ok(unsafe { request.ifr_ifru.ifru_hwaddr.sa_family })
}

/// Returns the features by which the card or driver merges packets before anybody sees them.
pub(super) fn merging_features(socket: &OwnedFd, name: &str) -> Vec<&'static str> {
    let ask = |command: u32| {
        let mut value = [command, 0u32];
        let mut request = request(name);
        request.ifr_ifru.ifru_data = value.as_mut_ptr().cast();
        // SAFETY: `value` has the layout of `ethtool_value` and outlives the call.
        let done = unsafe { libc::ioctl(socket.as_raw_fd(), SIOCETHTOOL, &mut request) };
        let [_, data] = value;
        if done == 0 { data } else { 0 }
    };
    let mut features = Vec::new();
    if ask(ETHTOOL_GGRO) != 0 {
        features.push("gro");
    }
    if ask(ETHTOOL_GFLAGS) & FLAG_LRO != 0 {
        features.push("lro");
    }
    features
}

/// Narrows one of the kernel's small constants.
const fn half(constant: c_int) -> u16 {
    #[allow(clippy::cast_possible_truncation, reason = "the low half is what is meant")]
    let half = constant.cast_unsigned() as u16;
    half
}

fn check(result: c_int) -> Result<()> {
    if result < 0 { Err(Error::last_os_error()) } else { Ok(()) }
}

fn set<T>(socket: &OwnedFd, level: c_int, option: c_int, value: &T) -> Result<()> {
    let octets = socklen_t::try_from(size_of::<T>()).unwrap_or(0);
    // SAFETY: `value` points to `octets` readable octets for the time of the call.
    check(unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, ptr::from_ref(value).cast(), octets) })
}

fn ask<T>(socket: &OwnedFd, level: c_int, option: c_int) -> Result<T> {
    // SAFETY: used with plain C structures of numbers only, for which all zeros is valid.
    let mut value: T = unsafe { zeroed() };
    let mut octets = socklen_t::try_from(size_of::<T>()).unwrap_or(0);
    // SAFETY: `value` has room for `octets` octets.
    check(unsafe {
        libc::getsockopt(socket.as_raw_fd(), level, option, ptr::from_mut(&mut value).cast(), &mut octets)
    })?;
    Ok(value)
}

/// Sets TPACKET version 3 and asks for a ring.
pub(super) fn request_ring(socket: &OwnedFd, block_bytes: u32, blocks: u32, retire_ms: u32) -> Result<()> {
    set(socket, libc::SOL_PACKET, libc::PACKET_VERSION, &(libc::tpacket_versions::TPACKET_V3 as c_int))?;
    let frame = 2_048;
    let ring = libc::tpacket_req3 {
        tp_block_size: block_bytes,
        tp_block_nr: blocks,
        tp_frame_size: frame,
        tp_frame_nr: (block_bytes / frame).saturating_mul(blocks),
        tp_retire_blk_tov: retire_ms,
        tp_sizeof_priv: 0,
        tp_feature_req_word: 0,
    };
    set(socket, libc::SOL_PACKET, libc::PACKET_RX_RING, &ring)
}

/// Asks the kernel not to hand over what this host sends. Old kernels can't; the caller then leaves those out itself.
pub(super) fn ignore_outgoing(socket: &OwnedFd) -> bool {
    set(socket, libc::SOL_PACKET, PACKET_IGNORE_OUTGOING, &1i32).is_ok()
}

/// Attaches a classic BPF program.
pub(super) fn attach_filter(socket: &OwnedFd, program: &[FilterOp]) -> Result<()> {
    let mut ops: Vec<_> =
        program.iter().map(|op| libc::sock_filter { code: op.code, jt: op.jt, jf: op.jf, k: op.k }).collect();
    let len = u16::try_from(ops.len()).unwrap_or(u16::MAX); // the kernel refuses more than 4,096 itself
    set(socket, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &libc::sock_fprog { len, filter: ops.as_mut_ptr() })
}

/// Begins to receive everything from an interface.
pub(super) fn bind(socket: &OwnedFd, index: c_int) -> Result<()> {
    // SAFETY: all zeros is a valid `sockaddr_ll`.
    let mut address: libc::sockaddr_ll = unsafe { zeroed() };
    address.sll_family = half(libc::AF_PACKET);
    address.sll_protocol = half(libc::ETH_P_ALL).to_be();
    address.sll_ifindex = index;
    let octets = socklen_t::try_from(size_of::<libc::sockaddr_ll>()).unwrap_or(0);
    // SAFETY: the address is complete and its length is told.
    check(unsafe { libc::bind(socket.as_raw_fd(), ptr::from_ref(&address).cast(), octets) })
}

/// Takes packets that are for others; undone by the kernel when the socket closes.
pub(super) fn promiscuous(socket: &OwnedFd, index: c_int) -> Result<()> {
    // SAFETY: all zeros is a valid `packet_mreq`.
    let mut membership: libc::packet_mreq = unsafe { zeroed() };
    membership.mr_ifindex = index;
    membership.mr_type = half(libc::PACKET_MR_PROMISC);
    set(socket, libc::SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP, &membership)
}

/// Joins a fan-out group.
pub(super) fn fan_out(socket: &OwnedFd, group: u16, mode_and_flags: u16) -> Result<()> {
    let word = u32::from(mode_and_flags) << 16 | u32::from(group);
    set(socket, libc::SOL_PACKET, libc::PACKET_FANOUT, &word)
}

/// Packets dropped and freezes since the last call: the kernel resets its counters when they are read.
pub(super) fn statistics(socket: &OwnedFd) -> Result<(u32, u32)> {
    let [_packets, drops, freezes] = ask::<[u32; 3]>(socket, libc::SOL_PACKET, libc::PACKET_STATISTICS)?;
    Ok((drops, freezes))
}

/// Takes the socket's pending error, if there is one.
pub(super) fn pending_error(socket: &OwnedFd) -> Option<Error> {
    let code = ask::<c_int>(socket, libc::SOL_SOCKET, libc::SO_ERROR).ok()?;
    (code != 0).then(|| Error::from_raw_os_error(code))
}

/// Waits for packets or an error; true when there is an error to take.
pub(super) fn wait(socket: &OwnedFd, wait_ms: c_int) -> Result<bool> {
    let mut set = libc::pollfd { fd: socket.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one entry, which we own.
    let ready = unsafe { libc::poll(&mut set, 1, wait_ms) };
    if ready < 0 {
        let error = Error::last_os_error();
        return if error.kind() == std::io::ErrorKind::Interrupted { Ok(false) } else { Err(error) };
    }
    let bad: c_short = libc::POLLERR | libc::POLLHUP | libc::POLLNVAL;
    Ok(set.revents & bad != 0)
}

fn clock_ns(clock: libc::clockid_t) -> i64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel fills a structure that we own; these clocks always exist.
    unsafe { libc::clock_gettime(clock, &mut time) };
    time.tv_sec.saturating_mul(1_000_000_000).saturating_add(time.tv_nsec)
}

/// Reads both clocks at one moment: (monotonic, wall) in nanoseconds. A reading torn by the scheduler is taken again.
pub(super) fn clock_pair() -> (u64, i64) {
    let mut pair = (0, 0);
    for _ in 0..4 {
        let before = clock_ns(libc::CLOCK_MONOTONIC);
        let utc = clock_ns(libc::CLOCK_REALTIME);
        let after = clock_ns(libc::CLOCK_MONOTONIC);
        pair = (u64::try_from(before.midpoint(after)).unwrap_or(0), utc);
        if after.saturating_sub(before) < 20_000 {
            break;
        }
    }
    pair
}

/// Tells whether the kernel's wall clock is disciplined.
pub(super) fn clock_is_disciplined() -> bool {
    // SAFETY: all zeros asks without changing anything; the kernel fills a structure that we own.
    let mut state: libc::timex = unsafe { zeroed() };
    // SAFETY: as above.
    let result = unsafe { libc::adjtimex(&mut state) };
    result >= 0 && state.status & libc::STA_UNSYNC == 0
}

/// The ring that kernel and program share: blocks that belong to one of them at a time, by their status word.
#[derive(Debug)]
pub(super) struct Ring {
    memory: NonNull<u8>,
    block_bytes: usize,
    blocks: usize,
}

// SAFETY: the mapping is ours alone and not bound to a thread; every access goes through `&self` or `&mut self`.
unsafe impl Send for Ring {}

impl Ring {
    /// Maps the ring that was requested on `socket`.
    pub(super) fn map(socket: &OwnedFd, block_bytes: usize, blocks: usize) -> Result<Self> {
        let octets = block_bytes.saturating_mul(blocks);
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping anywhere; its size is the one that the kernel accepted for this socket.
        let memory = unsafe {
            libc::mmap(ptr::null_mut(), octets, protection, libc::MAP_SHARED, socket.as_raw_fd(), 0)
        };
        if memory == libc::MAP_FAILED {
            return Err(Error::last_os_error());
        }
        let memory =
            NonNull::new(memory.cast::<u8>()).ok_or_else(|| Error::from(std::io::ErrorKind::OutOfMemory))?;
        Ok(Self { memory, block_bytes, blocks })
    }

    /// Where a block begins, counted round the ring. The kernel accepts no ring of zero blocks.
    fn place(&self, block: usize) -> usize {
        block.checked_rem(self.blocks).unwrap_or(0).wrapping_mul(self.block_bytes)
    }

    fn status(&self, block: usize) -> &AtomicU32 {
        let at = self.place(block).wrapping_add(STATUS_AT);
        // SAFETY: inside the mapping, aligned to four octets (blocks are pages), and shared with the kernel as one word.
        unsafe { AtomicU32::from_ptr(self.memory.as_ptr().add(at).cast()) }
    }

    /// Returns a block and its status if the kernel has handed it to us.
    pub(super) fn block(&self, block: usize) -> Option<(u32, &[u8])> {
        let status = self.status(block).load(Ordering::Acquire);
        if status & libc::TP_STATUS_USER == 0 {
            return None;
        }
        let at = self.place(block);
        // SAFETY: inside the mapping; the kernel doesn't write to a block until it's released, for which `release` needs
        // `&mut self`, so no slice of it is alive then.
        Some((status, unsafe { std::slice::from_raw_parts(self.memory.as_ptr().add(at), self.block_bytes) }))
    }

    /// Gives a block back to the kernel, with nothing left of the packets in it: who called whom would stand here in the clear until
    /// the kernel came round again, on a quiet line for hours.
    #[allow(clippy::needless_pass_by_ref_mut, reason = "so that no slice of the block is alive")]
    pub(super) fn release(&mut self, block: usize) {
        let used = self.block(block).map_or(0, |(_, bytes)| block::used(bytes));
        let (from, used) = (self.place(block), used.min(self.block_bytes));
        if let Some(octets) = used.checked_sub(block::HEAD) {
            // SAFETY: inside the mapping, behind the block's own head; the block is ours until the store below, and no slice of it
            // is alive.
            unsafe { self.memory.as_ptr().add(from.wrapping_add(block::HEAD)).write_bytes(0, octets) };
        }
        self.status(block).store(libc::TP_STATUS_KERNEL, Ordering::Release);
    }

    /// All of it, for tests; nothing is captured meanwhile.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> &[u8] {
        // SAFETY: the mapping that `map` made.
        unsafe {
            std::slice::from_raw_parts(self.memory.as_ptr(), self.block_bytes.saturating_mul(self.blocks))
        }
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        let octets = self.block_bytes.saturating_mul(self.blocks);
        // SAFETY: the mapping that `map` made, and no slice of it outlives `self`.
        unsafe { libc::munmap(self.memory.as_ptr().cast::<c_void>(), octets) };
    }
}

/// Gives the calling thread a network of its own, for tests; fails without the right to.
#[cfg(test)]
pub(super) fn enter_own_network() -> Result<()> {
    // SAFETY: takes a number; affects this thread only.
    check(unsafe { libc::unshare(libc::CLONE_NEWNET) })
}

/// Sends one frame as it stands, for tests.
#[cfg(test)]
pub(super) fn send_frame(index: c_int, frame: &[u8]) -> Result<()> {
    let socket = open_socket()?;
    bind(&socket, index)?;
    // SAFETY: `frame` is readable for its length.
    let sent = unsafe { libc::send(socket.as_raw_fd(), frame.as_ptr().cast(), frame.len(), 0) };
    if sent < 0 { Err(Error::last_os_error()) } else { Ok(()) }
}
