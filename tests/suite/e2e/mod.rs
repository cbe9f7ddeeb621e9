//! End to end: the real program on real input, judged from outside.

mod alarms;
mod archive;
mod archive_hung;
mod archive_kept;
mod archive_s3;
mod bad_input;
mod bucket;
mod captures;
mod console;
mod crash;
mod digits;
mod drive;
mod film;
mod fuzzed;
mod keeping;
mod late;
mod live;
mod log;
mod pcap;
mod plain;
mod relay;
mod restore;
mod rtpproxy;
mod satellite;
mod serve;
mod site;
