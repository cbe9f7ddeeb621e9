//! End to end: the real program on real input, judged from outside.

mod captures;
mod digits;
mod live;
mod pcap;
mod site;
