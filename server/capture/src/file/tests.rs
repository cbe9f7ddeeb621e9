//! Capture files as they come: all kinds whole, and cut, forged and foreign ones read as far as they go.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::missing_assert_message,
    clippy::wildcard_enum_match_arm,
    clippy::redundant_clone,
    reason = "tests"
)]

use std::io::Cursor;

use super::*;

/// A pcap file of packets (seconds, octets) of Ethernet.
fn pcap(packets: &[(u32, &[u8])]) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 1] {
        file.extend(word.to_le_bytes());
    }
    for (seconds, octets) in packets {
        let len = octets.len() as u32;
        for word in [*seconds, 500_000, len, len] {
            file.extend(word.to_le_bytes());
        }
        file.extend(*octets);
    }
    file
}

fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    body.resize(body.len().next_multiple_of(4), 0);
    let length = body.len() as u32 + 12;
    [&kind.to_be_bytes()[..], &length.to_be_bytes(), &body, &length.to_be_bytes()].concat()
}

fn section() -> Vec<u8> {
    block(0x0a0d_0d0a, &[&[0x1a, 0x2b, 0x3c, 0x4d, 0, 1, 0, 0][..], &[0xff; 8]].concat())
}

fn interface(link: u16, options: &[u8]) -> Vec<u8> {
    block(1, &[&link.to_be_bytes()[..], &[0, 0, 0, 0, 0xff, 0xff], options].concat())
}

fn enhanced(interface: u32, time: u64, octets: &[u8], options: &[u8]) -> Vec<u8> {
    let len = (octets.len() as u32).to_be_bytes();
    let mut body = [&interface.to_be_bytes()[..], &time.to_be_bytes(), &len, &len, octets].concat();
    body.resize(body.len().next_multiple_of(4), 0);
    body.extend(options);
    block(6, &body)
}

struct Seen {
    packets: Vec<(i64, Vec<u8>, u32)>,
    warnings: Vec<Warning>,
    drops: Drops,
}

fn open(bytes: Vec<u8>) -> Result<CaptureFile, CaptureError> {
    CaptureFile::from_reader("test.pcap", Box::new(Cursor::new(bytes)), TapId(3))
}

fn read(bytes: Vec<u8>) -> Seen {
    let mut file = open(bytes).unwrap();
    let mut packets = Vec::new();
    while file
        .poll(Duration::ZERO, &mut |p| packets.push((p.stamp.utc.0, p.bytes.to_vec(), p.lost_before)))
        .unwrap()
        != Poll::End
    {}
    Seen { packets, warnings: file.warnings(), drops: file.drops() }
}

fn damages(seen: &Seen) -> Vec<(u64, Option<u64>)> {
    seen.warnings
        .iter()
        .filter_map(|warning| match warning {
            Warning::Damage { damage, .. } => Some((damage.offset, damage.resumed_at)),
            _ => None,
        })
        .collect()
}

#[test]
fn every_byte_order_and_time_unit_gives_the_same_packets() {
    let little = pcap(&[(7, b"abc"), (8, b"defgh")]);
    let expected = read(little.clone()).packets;
    assert_eq!(expected, [(7_500_000, b"abc".to_vec(), 0), (8_500_000, b"defgh".to_vec(), 0)]);
    let big: Vec<u8> = {
        let mut big = Vec::new();
        for word in [0xa1b2_3c4d_u32, 0x0002_0004, 0, 0, 65_535, 1] {
            big.extend(word.to_be_bytes());
        }
        for (seconds, octets) in [(7u32, &b"abc"[..]), (8, b"defgh")] {
            for word in [seconds, 500_000_000, octets.len() as u32, octets.len() as u32] {
                big.extend(word.to_be_bytes());
            }
            big.extend(octets);
        }
        big
    };
    assert_eq!(read(big).packets, expected);
}

#[test]
fn a_gzipped_file_reads_like_the_file_and_a_torn_one_up_to_the_tear() {
    use std::io::Write as _;
    let noise: Vec<Vec<u8>> =
        (0u32..400).map(|i| (0..200u32).map(|j| ((i * 7919 + j * j * 31) >> 3) as u8).collect()).collect();
    let packets: Vec<(u32, &[u8])> = noise.iter().map(|n| (1_000, n.as_slice())).collect();
    let plain = pcap(&packets);
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(&plain).unwrap();
    let mut packed = packer.finish().unwrap();
    assert_eq!(read(packed.clone()).packets, read(plain).packets);
    packed.truncate(packed.len() / 2);
    let torn = read(packed);
    assert!((1..400).contains(&torn.packets.len()), "{} packets", torn.packets.len());
    assert_eq!(damages(&torn).len(), 1);
}

#[test]
fn a_torn_last_packet_is_reported_not_handed_over() {
    let whole = pcap(&[(1, b"first"), (2, b"second")]);
    for cut in 1..(16 + 6) {
        let seen = read(whole[..whole.len() - cut].to_vec());
        assert_eq!(seen.packets.len(), 1, "cut by {cut}");
        assert_eq!(damages(&seen), [(24 + 16 + 5, None)], "cut by {cut}");
    }
    assert_eq!(damages(&read(whole)), []);
}

#[test]
fn after_an_absurd_length_reading_goes_on_at_the_next_packet() {
    let mut file = pcap(&[(100, &[1; 60]), (100, &[2; 60]), (101, &[3; 60]), (101, &[4; 60])]);
    let second = 24 + 76;
    file[second + 8..second + 12].copy_from_slice(&[0xff; 4]);
    let seen = read(file);
    let firsts: Vec<_> = seen.packets.iter().map(|(_, bytes, lost)| (bytes[0], *lost)).collect();
    assert_eq!(firsts, [(1, 0), (3, 1), (4, 0)]);
    assert_eq!(damages(&seen), [(second as u64, Some(second as u64 + 76))]);
    assert_eq!(seen.drops.kernel, 1, "the gap must count as ours");
}

#[test]
fn zeros_at_the_end_stop_reading_with_a_warning() {
    let mut file = pcap(&[(100, &[1; 60])]);
    let end = file.len() as u64;
    file.extend([0; 5_000]);
    let seen = read(file);
    assert_eq!(seen.packets.len(), 1);
    assert_eq!(damages(&seen), [(end, None)]);
}

#[test]
fn pcapng_interfaces_have_their_own_clocks_and_links() {
    let nanos = [0, 9, 0, 1, 9, 0, 0, 0, 0, 0, 0, 0];
    let binary = [0, 9, 0, 1, 0x80 | 10, 0, 0, 0, 0, 14, 0, 8, 0, 0, 0, 0, 0, 0, 0, 100, 0, 0, 0, 0];
    let file = [
        section(),
        interface(1, &[]),
        interface(1, &nanos),
        interface(1, &binary),
        block(0x0bad, &[1, 2, 3]),
        enhanced(0, 1_000_000, b"a", &[]),
        enhanced(1, 2_000_000_000, b"bc", &[0, 4, 0, 8, 0, 0, 0, 0, 0, 0, 0, 9]),
        enhanced(2, 3 << 10, b"def", &[]),
        block(5, &[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 8, 0, 0, 0, 0, 0, 0, 0, 12]),
    ]
    .concat();
    let seen = read(file);
    let expected =
        [(1_000_000, b"a".to_vec(), 0), (2_000_000, b"bc".to_vec(), 9), (103_000_000, b"def".to_vec(), 0)];
    assert_eq!(seen.packets, expected);
    assert_eq!(seen.drops.kernel, 12);
    assert_eq!(seen.warnings, []);
}

#[test]
fn a_pcapng_block_whose_lengths_differ_costs_that_block_only() {
    let mut bad = enhanced(0, 1, b"lost", &[]);
    let last = bad.len() - 1;
    bad[last] ^= 1;
    let file =
        [section(), interface(1, &[]), enhanced(0, 0, b"a", &[]), bad, enhanced(0, 2, b"b", &[])].concat();
    let seen = read(file);
    let texts: Vec<_> = seen.packets.iter().map(|(_, bytes, lost)| (bytes.clone(), *lost)).collect();
    assert_eq!(texts, [(b"a".to_vec(), 0), (b"b".to_vec(), 1)]);
    assert_eq!(damages(&seen).len(), 1);
}

#[test]
fn other_link_layers_are_named() {
    let mut wireless = pcap(&[]);
    wireless[20] = 127;
    let text = open(wireless).unwrap_err().to_string();
    assert!(text.contains("radiotap") && text.contains("nothing of it is recorded"), "{text}");
    let file = [section(), interface(105, &[]), enhanced(0, 0, b"a", &[])].concat();
    let mut file = open(file).unwrap();
    assert!(matches!(file.poll(Duration::ZERO, &mut |_| {}), Err(CaptureError::Link { .. })));
}

#[test]
fn what_is_no_capture_is_refused_with_advice() {
    assert!(matches!(open(Vec::new()), Err(CaptureError::Empty { .. })));
    for (bytes, word) in [
        (&b"RIFF....WAVE"[..], "WAV"),
        (b"\xfd7zXZ\0", "unxz"),
        (b"snoop\0\0\0", "editcap"),
        (&[0; 600], "zeros"),
    ] {
        let text = open(bytes.to_vec()).unwrap_err().to_string();
        assert!(text.contains(word), "{text}");
    }
}

#[test]
fn an_rtpproxy_recording_becomes_datagrams() {
    let mut file = Vec::new();
    for i in 0..3u8 {
        file.extend([2, 0, 0x40, i, 10, 0, 0, 1]);
        file.extend([0; 12]);
        file.extend((1_421_181_377.25_f64 + f64::from(i)).to_le_bytes());
        file.extend(4u16.to_le_bytes());
        file.extend([0x80, 0, 0, i]);
    }
    let seen = read(file.clone());
    assert_eq!(seen.packets.len(), 3);
    let (utc_us, bytes, _) = &seen.packets[2];
    assert_eq!(*utc_us, 1_421_181_379_250_000);
    let mut peeler = telephony::net::Peeler::default();
    let peeled = peeler.peel(shared::Stamp::default(), LinkType::Raw, bytes);
    let telephony::net::Peeled::Udp(datagram) = peeled else { panic!("{peeled:?}") };
    assert_eq!(
        (format!("{:?}", datagram.src), datagram.payload),
        ("10.0.0.1:16386".into(), &[0x80, 0, 0, 2][..])
    );
    file.truncate(file.len() - 1);
    assert_eq!(damages(&read(file)), [(68, None)]);
}

#[test]
fn files_are_merged_by_time_and_ties_go_by_place() {
    let a = open(pcap(&[(1, b"a1"), (3, b"a3"), (5, b"a5")])).unwrap();
    let b = open(pcap(&[(2, b"b2"), (3, b"b3"), (9, b"b9")])).unwrap();
    let c = open(pcap(&[(3, b"c3")])).unwrap();
    let mut merge = crate::Merge::new(vec![a, b, c]);
    let (mut texts, mut last) = (Vec::new(), 0);
    while merge
        .poll(Duration::ZERO, &mut |p| {
            assert!(p.stamp.mono_ns >= last, "never backwards");
            last = p.stamp.mono_ns;
            texts.push(String::from_utf8(p.bytes.to_vec()).unwrap());
        })
        .unwrap()
        != Poll::End
    {}
    assert_eq!(texts, ["a1", "b2", "a3", "b3", "c3", "a5", "b9"]);
    assert_eq!(merge.drops().delivered, 7);
}

proptest::proptest! {
    /// Whatever a file holds, reading ends, hands over no more than is there, and offsets stay inside the file.
    #[test]
    fn no_file_breaks_the_reader(mut bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..600), magic in 0..5usize) {
        let magics: [&[u8]; 5] =
            [&[], &[0xd4, 0xc3, 0xb2, 0xa1], &[0xa1, 0xb2, 0x3c, 0x4d], &[10, 13, 13, 10, 0, 0, 0, 28, 0x1a, 0x2b, 0x3c, 0x4d], &[2, 0, 1, 1]];
        let magic = magics[magic];
        if bytes.len() > magic.len() {
            bytes[..magic.len()].copy_from_slice(magic);
        }
        let len = bytes.len();
        if let Ok(mut file) = open(bytes) {
            let mut octets = 0;
            while matches!(file.poll(Duration::ZERO, &mut |p| octets += p.bytes.len()), Ok(Poll::Progress)) {}
            proptest::prop_assert!(octets <= len + 48 * len / 30);
        }
    }
}

/// A pipe that counts how often it was asked: each answer is one piece, and after the last it would keep its reader waiting.
struct Pipe {
    pieces: std::vec::IntoIter<Vec<u8>>,
    asked: std::sync::Arc<std::sync::atomic::AtomicUsize>,
}

impl Read for Pipe {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        self.asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let piece = self.pieces.next().unwrap_or_default();
        out[..piece.len()].copy_from_slice(&piece);
        Ok(piece.len())
    }
}

#[test]
fn what_a_pipe_gave_is_handed_over_before_it_is_asked_for_more() {
    let asked = std::sync::Arc::default();
    let pieces = vec![pcap(&[(1, &[7; 60]), (2, &[8; 60])]), pcap(&[(3, &[9; 60])]).split_off(24)];
    let pipe = Pipe { pieces: pieces.into_iter(), asked: std::sync::Arc::clone(&asked) };
    let mut file = CaptureFile::from_reader("pipe", Box::new(pipe), TapId(0)).unwrap();
    let mut seen = 0;
    for (packets, answers) in [(2, 1), (3, 2)] {
        assert_eq!(file.poll(Duration::ZERO, &mut |_| seen += 1).unwrap(), Poll::Progress);
        let answered = asked.load(std::sync::atomic::Ordering::Relaxed);
        assert_eq!((seen, answered), (packets, answers), "what is here comes first");
    }
}
