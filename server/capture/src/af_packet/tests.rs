//! On a real veth pair, in a network of the test's own. Without root these say so and pass.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stderr,
    clippy::missing_assert_message,
    reason = "tests"
)]

use std::net::UdpSocket;
use std::process::Command;

use telephony::net::{Peeled, Peeler};

use super::*;

/// Runs `test` in a thread with a network of its own that has `lo` and the pair mir0, mir1.
fn in_own_network(test: fn()) {
    let run = move || {
        if let Err(error) = system::enter_own_network() {
            eprintln!("skipped: needs root ({error})");
            return;
        }
        for line in [
            "link set lo up",
            "link add mir0 type veth peer name mir1",
            "link set mir0 addrgenmode none",
            "link set mir1 addrgenmode none",
            "address add 10.9.0.1/24 dev mir0",
            "link set mir0 up",
            "link set mir1 up",
            "neighbour add 10.9.0.2 lladdr 02:00:00:00:00:02 dev mir0",
        ] {
            ip(line);
        }
        test();
    };
    std::thread::Builder::new().name("own network".into()).spawn(run).unwrap().join().unwrap();
}

fn ip(line: &str) {
    let status = Command::new("ip").args(line.split(' ')).status().unwrap();
    assert!(status.success(), "ip {line}");
}

/// Sends datagrams numbered `numbers`, with the number as payload (and some filling).
fn send(from: &str, to: &str, numbers: std::ops::Range<u32>) {
    let socket = UdpSocket::bind((from, 0)).unwrap();
    for number in numbers {
        let mut payload = [0xaa; 160];
        payload[..4].copy_from_slice(&number.to_be_bytes());
        socket.send_to(&payload, (to, 9_000)).unwrap();
    }
}

/// Polls until it's idle; returns (number, lost before) of our datagrams.
fn drain(source: &mut AfPacket) -> Vec<(u32, u32)> {
    let mut peeler = Peeler::default();
    let (mut numbers, mut idle, mut last_ns) = (Vec::new(), 0, 0);
    while idle < 3 {
        let poll = source.poll(Duration::from_millis(100), &mut |packet| {
            assert!(packet.stamp.mono_ns >= last_ns, "never backwards");
            last_ns = packet.stamp.mono_ns;
            if let Peeled::Udp(datagram) = peeler.peel(packet.stamp, packet.link, packet.bytes)
                && datagram.dst.port == 9_000
            {
                let number = u32::from_be_bytes(*datagram.payload.first_chunk().unwrap());
                numbers.push((number, packet.lost_before));
            }
        });
        idle = if poll.unwrap() == Poll::Idle { idle + 1 } else { 0 };
    }
    numbers
}

#[test]
fn every_packet_of_a_mirror_is_seen_once_and_in_order() {
    in_own_network(|| {
        let mut source = AfPacket::open(&LiveOptions::new("mir1", TapId(1))).unwrap();
        send("10.9.0.1", "10.9.0.2", 0..5_000);
        let seen = drain(&mut source);
        assert_eq!(seen, (0..5_000).map(|number| (number, 0)).collect::<Vec<_>>());
        assert_eq!(source.drops().kernel, 0);
    });
}

#[test]
fn a_packet_on_loopback_is_seen_once() {
    in_own_network(|| {
        let mut source = AfPacket::open(&LiveOptions::new("lo", TapId(1))).unwrap();
        let _receiver = UdpSocket::bind(("127.0.0.1", 9_000)).unwrap();
        send("127.0.0.1", "127.0.0.1", 0..100);
        assert_eq!(drain(&mut source), (0..100).map(|number| (number, 0)).collect::<Vec<_>>());
    });
}

#[test]
fn nothing_of_a_packet_stays_in_the_ring() {
    in_own_network(|| {
        let mut source = AfPacket::open(&LiveOptions::new("mir1", TapId(1))).unwrap();
        let is_there =
            |source: &AfPacket| source.ring.bytes().windows(64).any(|bytes| bytes.iter().all(|b| *b == 0xaa));
        for round in 0..3 {
            send("10.9.0.1", "10.9.0.2", round * 3_000..(round + 1) * 3_000);
            assert!(is_there(&source), "so that it is looked for in the right place");
            assert_eq!(drain(&mut source).len(), 3_000);
            assert!(!is_there(&source), "{round}");
        }
    });
}

#[test]
fn what_the_kernel_drops_is_told_with_the_packet_after_it_to_the_last_one() {
    in_own_network(|| {
        let mut options = LiveOptions::new("mir1", TapId(1));
        (options.block_bytes, options.blocks) = (64 << 10, 4);
        let mut source = AfPacket::open(&options).unwrap();
        let mut next = 0;
        for round in 1..=3 {
            send("10.9.0.1", "10.9.0.2", next..next + 10_000); // nobody polls: the ring overflows
            next += 10_000;
            let before_drop = drain(&mut source);
            assert!((100..10_000).contains(&before_drop.len()), "round {round}: {}", before_drop.len());
            send("10.9.0.1", "10.9.0.2", next..next + 10);
            next += 10;
            let after_drop = drain(&mut source);
            let mut expected = after_drop[0].0 - after_drop[0].1;
            assert_eq!(
                before_drop.last().unwrap().0 + 1,
                expected,
                "round {round}: nothing is missing before the drop"
            );
            for (number, lost) in after_drop {
                expected += lost;
                assert_eq!(number, expected, "round {round}: the loss is told where it happened");
                expected += 1;
            }
            assert_eq!(expected, next);
        }
        let drops = source.drops();
        assert_eq!(drops.delivered + drops.kernel, u64::from(next));
        assert!(source.warnings().iter().any(|warning| matches!(warning, Warning::Dropped { .. })));
    });
}

#[test]
fn an_interface_that_goes_down_is_told_once_and_works_again_when_it_is_back() {
    in_own_network(|| {
        let mut source = AfPacket::open(&LiveOptions::new("mir1", TapId(1))).unwrap();
        ip("link set mir1 down");
        let told = source.poll(Duration::from_millis(200), &mut |_| {});
        assert!(matches!(told, Err(CaptureError::SourceDown { what: "is down", .. })), "{told:?}");
        assert!(matches!(source.poll(Duration::ZERO, &mut |_| {}), Ok(Poll::Idle)));
        ip("link set mir1 up");
        ip("neighbour replace 10.9.0.2 lladdr 02:00:00:00:00:02 dev mir0");
        send("10.9.0.1", "10.9.0.2", 0..50);
        assert_eq!(drain(&mut source).len(), 50);
        ip("link delete mir1");
        let told = source.poll(Duration::from_millis(200), &mut |_| {});
        assert!(matches!(told, Err(CaptureError::SourceDown { what: "has vanished", .. })), "{told:?}");
    });
}

#[test]
fn two_sockets_of_a_group_share_the_packets() {
    in_own_network(|| {
        let mut options = LiveOptions::new("mir1", TapId(1)).ring_mib(4);
        options.fanout = Some(Fanout { group: 77, mode: FanoutMode::RoundRobin });
        let mut sources = [AfPacket::open(&options).unwrap(), AfPacket::open(&options).unwrap()];
        send("10.9.0.1", "10.9.0.2", 0..1_000);
        let [a, b] = sources.each_mut().map(drain);
        assert!(a.len() > 300 && b.len() > 300, "{} and {}", a.len(), b.len());
        let mut all: Vec<_> = a.iter().chain(&b).map(|(number, _)| *number).collect();
        all.sort_unstable();
        assert_eq!(all, (0..1_000).collect::<Vec<_>>());
    });
}

#[test]
fn a_filter_works_in_the_kernel() {
    in_own_network(|| {
        let mut options = LiveOptions::new("mir1", TapId(1));
        options.filter = vec![FilterOp { code: 0x06, jt: 0, jf: 0, k: 0 }]; // ret #0: nothing
        let mut source = AfPacket::open(&options).unwrap();
        send("10.9.0.1", "10.9.0.2", 0..10);
        assert_eq!(drain(&mut source), []);
    });
}

#[test]
fn a_vlan_tag_is_told_whether_the_card_took_it_off_or_not() {
    in_own_network(|| {
        let mut source = AfPacket::open(&LiveOptions::new("mir1", TapId(1))).unwrap();
        let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x81, 0, 0, 12, 0x88, 0xb5];
        frame.resize(64, 0);
        system::send_frame(system::interface_index("mir0").unwrap(), &frame).unwrap();
        let (mut tags, mut idle) = (Vec::new(), 0);
        while idle < 3 {
            let poll = source.poll(Duration::from_millis(100), &mut |packet| {
                let in_frame =
                    packet.bytes.get(12..16).filter(|b| b[..2] == [0x81, 0]).map(|b| u16::from(b[3]));
                tags.push(packet.vlan.map(|tci| tci & 0x0fff).or(in_frame));
            });
            idle = if poll.unwrap() == Poll::Idle { idle + 1 } else { 0 };
        }
        assert_eq!(tags, [Some(12)]);
    });
}

#[test]
fn an_interface_that_does_not_exist_is_refused_with_those_that_do() {
    let text = AfPacket::open(&LiveOptions::new("nosuch0", TapId(1))).unwrap_err().to_string();
    assert!(text.contains("`nosuch0`") && text.contains("lo"), "{text}");
}

#[test]
fn an_interface_that_is_down_is_refused_with_advice() {
    in_own_network(|| {
        ip("link set mir1 down");
        let text = AfPacket::open(&LiveOptions::new("mir1", TapId(1))).unwrap_err().to_string();
        assert!(text.contains("is down") && text.contains("ip link set mir1 up"), "{text}");
    });
}
