//! End to end: the real program on real input, judged from outside.

mod captures;
mod bad_input;
mod crash;
mod film;
mod digits;
mod live;
mod pcap;
mod plain;
mod site;
