//! Captures of real telephones, gateways and attackers: each is recorded, and what comes out is what tshark sees, or the
//! table says why not. Exported octets are compared with tshark's, and SRTP is opened with its key and ends as encrypted
//! without. Sums of mixed audio that rtpproxy published are in `rtpproxy`.
//!
//! The captures are not ours to give away: without the folder beside the project every test here is skipped.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "tests of audio: what is cast was counted in samples just before"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::site::{Site, captures};

/// File, calls signalled, orphans, legs, codecs, how its recordings ended, and why that is not what tshark says.
type Row = (&'static str, u64, u64, u64, &'static str, &'static str, &'static str);

/// Checked file by file against `tshark -q -z rtp,streams` with its heuristics on, and against the Call-IDs of the INVITEs,
/// answers and BYEs in it. A row without a reason has as many legs as tshark has streams; the test sees to that.
///
/// - An INVITE that is refused, sent again or seen on two hops is one call by its Call-ID; a capture that holds only an answer
///   or a BYE has a call too. So `sip_reqs` has one (its BYE and CANCEL belong to nobody known), `sip_non_default_port` two
///   (an INVITE, and the answer to another), and `ipv6frag` three: a fork whose two early dialogs are both answered.
/// - `FAX-Call`: T.38 was offered and refused with 488, so it is no fax; what tshark takes for malformed T.38 is RTP.
/// - `SIP_DTMF2`: the description names 192.168.105.110 for both parties; the other direction is an orphan, none is lost.
/// - `Forensic_challenge_4`: 30 packets are missing of which the receiver's own reports say that they arrived.
#[rustfmt::skip]
const TABLE: &[Row] = &[
    ("PCAP_wireshark__MGCP.pcap", 0, 0, 0, "", "", ""),
    ("PCAP_wireshark__SIP_CALL_RTP_G711", 2, 2, 5, "PCMA", "end-unknown end-unknown end-unknown", ""),
    ("PCAP_wireshark__SIP_DTMF2.cap", 2, 1, 2, "PCMA", "one-direction end-unknown", ""),
    ("PCAP_wireshark__rtp_example.raw.gz", 0, 1, 2, "PCMA", "end-unknown", ""),
    ("PcapPlusPlus__sip_non_default_port.pcap", 2, 0, 0, "", "", ""),
    ("PcapPlusPlus__sip_not_sdp.pcap", 0, 0, 0, "", "", ""),
    ("PcapPlusPlus__sip_reqs.pcap", 1, 0, 0, "", "", ""),
    ("PcapPlusPlus__sip_resp.pcap", 1, 0, 0, "", "", ""),
    ("nDPI__FAX-Call-t38-CA-TDM-SIP-FB-1.pcap", 2, 0, 2, "PCMA PT100", "recorded", ""),
    ("nDPI__fuzz-2006-06-26-2594.pcap", 4, 0, 0, "", "", "bits are flipped in it: no stream has the five packets that show RTP; one call begins with its answer"),
    ("nDPI__gre.pcapng", 0, 0, 0, "", "", ""),
    ("nDPI__h323-overflow.pcap", 0, 0, 0, "", "", ""),
    ("nDPI__iax.pcap", 0, 0, 0, "", "", ""),
    ("nDPI__ip_fragmented_garbage.pcap", 0, 0, 0, "", "", ""),
    ("nDPI__rtcp_multiple_pkts_in_the_same_datagram.pcap", 0, 0, 0, "", "", ""),
    ("nDPI__sccp_hw_conf_register.pcapng", 0, 0, 0, "", "", ""),
    ("nDPI__stun_dtls_rtp_unidir.pcapng", 0, 0, 0, "", "", "four packets to a stream: fewer than the five that show RTP"),
    ("nDPI__stun_google_meet.pcapng", 0, 3, 5, "PT99 PT111 PT97", "encrypted-media encrypted-media encrypted-media", "one flow carries two SSRCs with two codecs, one after the other: two streams, one leg"),
    ("pcaps__Forensic_challenge_4.pcap", 1, 0, 2, "PCMU", "recorder-loss", ""),
    ("pcaps__ipfragments.pcap", 0, 0, 0, "", "", ""),
    ("rtp-pcap__marseillaise-srtp.pcap", 0, 1, 1, "PCMA", "encrypted-media", ""),
    ("rtp-pcap__nb6-telephone.pcap", 1, 0, 2, "PCMA", "recorded", ""),
    ("rtp-pcap__sip-rtp-gsm.pcap", 1, 0, 1, "GSM", "recorded", ""),
    ("rtp-pcap__sip-rtp-ilbc.pcap", 1, 0, 1, "ILBC", "recorded", ""),
    ("rtp-pcap__sip-rtp-l16.pcap", 4, 0, 4, "L16", "recorded recorded recorded recorded", ""),
    ("rtp-pcap__sip-rtp-opus.pcap", 1, 0, 1, "OPUS", "recorded", ""),
    ("rtpproxy__DLT_NULL.a.rtp", 0, 3, 3, "GSM", "end-unknown end-unknown end-unknown", "tshark's heuristics miss RTP under DLT_NULL: three flows of GSM, two over IPv4, one over IPv6"),
    ("rtpproxy__G723_1.a.rtp", 0, 1, 1, "G723", "end-unknown", ""),
    ("rtpproxy__G723_1.o.rtp", 0, 1, 1, "G723", "end-unknown", ""),
    ("rtpproxy__call1_g722_srtp.a.rtp", 0, 1, 1, "G722", "encrypted-media", ""),
    ("rtpproxy__call1_g722_srtp.o.rtp", 0, 1, 1, "G722", "encrypted-media", ""),
    ("rtpproxy__call1_g729.a.rtp", 0, 1, 1, "G729", "end-unknown", "ad-hoc file, unknown to tshark"),
    ("rtpproxy__call1_g729.o.rtp", 0, 1, 1, "G729", "end-unknown", "ad-hoc file, unknown to tshark"),
    ("rtpproxy__call1_gsm.a.rtp", 0, 1, 1, "GSM", "end-unknown", "ad-hoc file, unknown to tshark"),
    ("rtpproxy__call1_gsm.o.rtp", 0, 1, 1, "GSM", "end-unknown", "ad-hoc file, unknown to tshark"),
    ("rtpproxy__call1_ulaw.a.rtp", 0, 1, 1, "PCMU", "end-unknown", "ad-hoc file, unknown to tshark"),
    ("rtpproxy__call1_ulaw.o.rtp", 0, 1, 1, "PCMU", "end-unknown", "ad-hoc file, unknown to tshark"),
    ("rtpproxy__corrupted_g722.a.rtp", 0, 2, 2, "G722 PT109", "end-unknown end-unknown", "ad-hoc file, unknown to tshark; its foreign packets of type 109 are a stream of their own"),
    ("rtpproxy__corrupted_g722.o.rtp", 0, 1, 1, "G722", "end-unknown", "ad-hoc file, unknown to tshark"),
    ("rtpproxy__rtcp.o.pcap", 0, 1, 1, "PCMA", "end-unknown", ""),
    ("rtpproxy__sess6.a.rtp", 0, 1, 1, "G729", "end-unknown", ""),
    ("rtpproxy__sess6.o.rtp", 0, 1, 1, "G729", "end-unknown", ""),
    ("rtpproxy__sipit31.o.rtp", 0, 1, 1, "G722 G729", "end-unknown", "ad-hoc file, unknown to tshark; the codec changes in mid-stream"),
    ("rtpproxy__srtp1.a.rtp", 0, 1, 1, "G722", "encrypted-media", ""),
    ("rtpproxy__srtp1.o.rtp", 0, 1, 1, "G722", "encrypted-media", ""),
    ("rtpproxy__weird.a.rtp", 0, 1, 1, "G729", "end-unknown", ""),
    ("rtpproxy__weird.o.rtp", 0, 1, 1, "G729", "end-unknown", ""),
    ("sipp-siprec__09a_2833_dtmf.pcap", 0, 1, 1, "PCMU", "end-unknown", ""),
    ("sipp-siprec__10a_g722.pcap", 0, 1, 1, "G722", "end-unknown", ""),
    ("sipp-siprec__11a_g721.pcap", 0, 1, 1, "G726-32", "end-unknown", ""),
    ("sipp-siprec__12a_g729.pcap", 0, 1, 1, "G729", "end-unknown", ""),
    ("sipp-siprec__g722.pcap", 0, 1, 1, "G722", "end-unknown", ""),
    ("sipp__dtmf_2833_1.pcap", 0, 1, 0, "", "", "digits alone are no sound: the ledger has the call, there is nothing to record"),
    ("sipp__dtmf_2833_pound.pcap", 0, 1, 0, "", "", "digits alone are no sound: the ledger has the call, there is nothing to record"),
    ("sipp__g711a.pcap", 0, 1, 1, "PCMA", "end-unknown", ""),
    ("siprec__g711_audio.pcap", 0, 1, 1, "PCMU", "end-unknown", ""),
    ("sngrep__ipip.pcap", 1, 0, 0, "", "", ""),
    ("sngrep__ipv6frag.pcap", 3, 0, 0, "", "", ""),
    ("suricata-verify__public-cloudshark-sip-s0.pcap", 2, 0, 0, "", "", ""),
    ("suricata-verify__sip-body-large.pcap", 1, 0, 0, "", "", ""),
    ("suricata-verify__sip-options-method_input.pcap", 0, 0, 0, "", "", ""),
    ("suricata-verify__sip-sdp_sdp.pcap", 1, 0, 0, "", "", ""),
    ("suricata-verify__sip-tcp-pattern-matching_sip.pcap", 0, 0, 0, "", "", ""),
    ("suricata-verify__sip_compact_form.pcap", 1, 0, 0, "", "", ""),
    ("suricata-verify__sip_header_multi_val.pcap", 1, 0, 0, "", "", ""),
    ("testsuite__16_bit_48khz_60_fec_dropped.pcapng", 0, 1, 1, "PT107", "end-unknown", ""),
    ("testsuite__16_bit_48khz_60_fec_rtp.pcapng", 0, 1, 1, "PT107", "end-unknown", ""),
    ("testsuite__A_party_g711a.pcap", 0, 1, 1, "PCMA", "end-unknown", ""),
    ("testsuite__crash-27382.pcap", 0, 1, 1, "PCMU", "end-unknown", ""),
    ("testsuite__crash.pcap", 0, 0, 0, "", "", ""),
    ("testsuite__ssrc1.pcap", 0, 0, 0, "", "", "one packet is no stream"),
    ("testsuite__ssrc2.pcap", 0, 0, 0, "", "", "two packets are no stream"),
    ("zeek__erspan.pcap", 0, 0, 0, "", "", ""),
    ("zeek__pppoe-over-qinq.pcap", 0, 0, 0, "", "", ""),
    ("zeek__vxlan.pcap", 0, 0, 0, "", "", ""),
];

/// All captures of the table in one site, recorded one after the other.
struct Recorded {
    site: Site,
    summaries: BTreeMap<&'static str, Value>,
    recordings: Vec<Value>,
}

impl Recorded {
    fn all(folder: &Path, wanted: impl Fn(&Row) -> bool) -> Self {
        let site = Site::new();
        let mut summaries = BTreeMap::new();
        for row in TABLE.iter().filter(|row| wanted(row)) {
            let file = folder.join(row.0);
            let ran = site.run("record", &["--pcap", file.to_str().expect("plain names")]);
            let summary: Value =
                serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{}: {e}: {ran:?}", row.0));
            // A file with a hole in it is recorded as far as it goes, and the exit code tells.
            let losses = summary["kernel_drops"].as_u64() != Some(0);
            assert!(ran.code == Some(0) || losses && ran.code == Some(1), "{}: {ran:?}", row.0);
            assert_eq!(losses, row.0 == "rtpproxy__corrupted_g722.a.rtp", "{}: {ran:?}", row.0);
            summaries.insert(row.0, summary);
        }
        let listed = site.run("list", &["--json", "--limit", "1000"]).json();
        let mut recordings = listed.as_array().expect("an array").clone();
        recordings.sort_by_key(|r| r["ledger_no"].as_u64());
        Self { site, summaries, recordings }
    }

    fn of<'a>(&'a self, file: &'a str) -> impl Iterator<Item = &'a Value> {
        self.recordings.iter().filter(move |r| r["tap"] == file)
    }
}

#[test]
fn every_capture_gives_the_calls_legs_and_codecs_that_are_in_it() {
    let Some(folder) = captures() else { return };
    let manifest = fs::read_to_string(folder.join("manifest.tsv")).expect("the manifest is there");
    let streams: BTreeMap<&str, u64> = manifest.lines().filter_map(streams_of).collect();
    let listed: BTreeSet<&str> = TABLE.iter().map(|row| row.0).collect();
    assert_eq!(listed, streams.keys().copied().collect(), "the table has every capture of the manifest");

    let recorded = Recorded::all(&folder, |_| true);
    for &(file, calls, orphans, legs, codecs, ends, why) in TABLE {
        let summary = &recorded.summaries[file];
        let seen = ["calls", "orphans", "legs"].map(|name| summary[name].as_u64().expect("a number"));
        assert_eq!(seen, [calls, orphans, legs], "{file}");
        assert_eq!(
            legs == streams[file],
            why.is_empty(),
            "{file}: tshark sees {} streams; {why}",
            streams[file]
        );

        let of = |r: &Value, name: &str| r[name].as_str().expect("text").to_owned();
        let tracks = recorded.of(file).flat_map(|r| r["tracks"].as_array().expect("tracks"));
        let found: BTreeSet<String> = tracks.map(|t| of(t, "codec").to_ascii_uppercase()).collect();
        assert_eq!(found, codecs.split_whitespace().map(str::to_owned).collect(), "{file}");
        let ended: Vec<String> = recorded.of(file).map(|r| of(r, "end")).collect();
        let ended = ended.join(" ").replace("partly(", "").replace(')', "");
        assert_eq!(ended, ends, "{file}");

        let ledger = &summary["ledger"];
        let count = |name: &str| ledger[name].as_u64().expect("a number");
        assert_eq!(count("signalled"), calls + orphans, "{file}: every call is accounted for");
        assert_eq!(count("recorded") + count("partly") + count("not_recorded"), calls + orphans, "{file}");
    }
    export_of_all(&recorded);
}

/// A row of the manifest: the file, and how many RTP streams tshark finds. Notes beside the captures have none.
fn streams_of(line: &str) -> Option<(&str, u64)> {
    let mut cells = line.split('\t').skip(1);
    let file = cells.next()?;
    let said = cells.last()?;
    let note = [".args", ".output", ".checksums"].iter().any(|end| file.ends_with(end));
    let streams = said.split("rtp_streams=").nth(1)?.split(' ').next()?.parse().ok()?;
    (!note).then_some((file, streams))
}

/// Everything is exported: as WAV where there is a decoder, each as long as its audio, and as octets in any case.
fn export_of_all(recorded: &Recorded) {
    let mut undecodable = BTreeSet::new();
    for recording in &recorded.recordings {
        let reference = recording["reference"].as_str().expect("text");
        let tracks = recording["tracks"].as_array().expect("tracks");
        let out = recorded.site.path(&format!("wav-{reference}"));
        let ran = recorded.site.run("export", &["--out", out, "--id", reference]);
        if ran.code != Some(0) {
            assert!(ran.err.contains("--format raw"), "it says what to do: {}", ran.err);
            undecodable.extend(tracks.iter().map(|t| t["codec"].as_str().expect("text").to_owned()));
        } else if let [track] = tracks.as_slice() {
            let wav = Wav::read(&only(out, "wav"));
            let gaps = track["gap_samples"].as_object().expect("gaps").values();
            let ticks = track["samples"].as_u64().unwrap() + gaps.filter_map(Value::as_u64).sum::<u64>();
            let clock = track["clock_hz"].as_u64().unwrap();
            assert_eq!(wav.frames(), ticks * u64::from(wav.rate_hz) / clock, "{} {track}", recording["tap"]);
            if recording["end"] == "partly(encrypted-media)" {
                assert!(wav.samples.iter().all(|s| *s == 0), "never as noise: {}", recording["tap"]);
            }
        }
    }
    let ran = recorded
        .site
        .run("export", &["--out", recorded.site.path("raw"), "--all", "--format", "raw", "--json"]);
    assert_eq!(
        ran.json()["exported"].as_u64(),
        Some(recorded.recordings.len() as u64),
        "octets are always given"
    );
    let expected = ["G723", "PT107", "PT109", "PT111", "PT97", "PT99", "iLBC"];
    assert_eq!(
        undecodable.iter().map(String::as_str).collect::<Vec<_>>(),
        expected,
        "codecs without decoder"
    );
}

#[test]
fn exported_octets_are_those_that_tshark_reads() {
    let Some(folder) = captures() else { return };
    if Command::new("tshark").arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("skipped: tshark is not installed");
        return;
    }
    let plain = [
        "PCAP_wireshark__rtp_example.raw.gz",
        "rtp-pcap__nb6-telephone.pcap",
        "rtp-pcap__sip-rtp-gsm.pcap",
        "rtp-pcap__sip-rtp-l16.pcap",
        "sipp-siprec__10a_g722.pcap",
        "sipp-siprec__11a_g721.pcap",
        "sipp__g711a.pcap",
        "siprec__g711_audio.pcap",
        "testsuite__A_party_g711a.pcap",
        "pcaps__Forensic_challenge_4.pcap",
    ];
    let recorded = Recorded::all(&folder, |row| plain.contains(&row.0));
    for file in plain {
        let mut ours = Vec::new();
        for recording in recorded.of(file) {
            let reference = recording["reference"].as_str().expect("text");
            let out = recorded.site.path(reference);
            let ran = recorded.site.run("export", &["--out", out, "--id", reference, "--format", "raw"]);
            assert_eq!(ran.code, Some(0), "{ran:?}");
            for entry in fs::read_dir(out).expect("the folder of the export").flatten() {
                if entry.path().extension().is_some_and(|e| e != "json") {
                    ours.push(fs::read(entry.path()).expect("a file"));
                }
            }
        }
        let mut theirs = payloads_by_tshark(&folder.join(file));
        ours.sort();
        theirs.sort();
        let lens = |all: &[Vec<u8>]| all.iter().map(Vec::len).collect::<Vec<_>>();
        assert!(ours == theirs, "{file}: {:?} octets, tshark reads {:?}", lens(&ours), lens(&theirs));
    }
}

/// The payload octets of each stream, in the order of their sequence, doubles and telephone events left out.
fn payloads_by_tshark(file: &Path) -> Vec<Vec<u8>> {
    let mut tshark = Command::new("tshark");
    tshark.arg("-r").arg(file).args(["-o", "rtp.heuristic_rtp:TRUE", "-Y", "rtp && !icmp", "-T", "fields"]);
    let fields = ["ip.src", "udp.srcport", "rtp.ssrc", "rtp.seq", "rtp.p_type", "rtp.payload"];
    tshark.args(fields.iter().flat_map(|f| ["-e", f]));
    let said = tshark.output().expect("tshark starts");
    let text = String::from_utf8(said.stdout).expect("text");
    let mut streams: BTreeMap<String, BTreeMap<u64, Vec<u8>>> = BTreeMap::new();
    let mut newest: BTreeMap<String, u64> = BTreeMap::new();
    for line in text.lines() {
        let cells: Vec<&str> = line.split('\t').collect();
        let &[address, port, ssrc, sequence, payload_type, payload] = cells.as_slice() else { continue };
        if payload_type == "101" || payload.is_empty() {
            continue;
        }
        let key = format!("{address} {port} {ssrc}");
        let last = newest.entry(key.clone()).or_insert_with(|| 0x1_0000 + sequence.parse::<u64>().unwrap());
        // The number nearest to the newest one that ends in these sixteen bits.
        let step = sequence.parse::<u16>().unwrap().wrapping_sub(*last as u16).cast_signed();
        let number = last.checked_add_signed(i64::from(step)).unwrap();
        *last = number.max(*last);
        streams.entry(key).or_default().entry(number).or_insert_with(|| from_hex(payload));
    }
    streams.into_values().map(|packets| packets.into_values().flatten().collect()).collect()
}

fn from_hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let octet = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(octet).collect()
}

#[test]
fn srtp_with_a_known_key_is_opened_and_without_it_is_never_noise() {
    let Some(folder) = captures() else { return };
    let suite = "AES_CM_128_HMAC_SHA1_80";
    let args = fs::read_to_string(folder.join("rtpproxy__call1_g722_srtp.args")).expect("the keys");
    let words = args.split_whitespace().filter_map(|word| word.split_once(&format!("{suite}:")));
    let mut keys: Vec<&str> = words.map(|(_, key)| key).collect();
    keys.push("aSBrbm93IGFsbCB5b3VyIGxpdHRsZSBzZWNyZXRz");
    assert_eq!(keys.len(), 3);
    let site = Site::new();
    let file = site.path("keys");
    let lines: String = keys.iter().map(|key| format!("{suite} {key}\n")).collect();
    fs::write(file, lines).unwrap();

    for (name, samples) in [
        ("rtp-pcap__marseillaise-srtp.pcap", 1_902_080),
        ("rtpproxy__call1_g722_srtp.a.rtp", 186_880),
        ("rtpproxy__call1_g722_srtp.o.rtp", 187_520),
    ] {
        let pcap = folder.join(name);
        let pcap = pcap.to_str().expect("plain names");
        let locked = site.record(&[pcap]);
        assert_eq!(locked["samples"].as_u64(), Some(0), "{name}");
        assert_eq!(locked["gap_samples"]["undecodable"].as_u64(), Some(samples), "{name}");

        for (mode, warned) in [(0o644, true), (0o600, false)] {
            fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
            let ran = site.run("record", &["--srtp-keys", file, "--pcap", pcap]);
            assert_eq!(ran.err.contains("warning: others than its owner"), warned, "{}", ran.err);
            assert!(
                keys.iter().all(|key| !ran.err.contains(key) && !ran.out.contains(key)),
                "no key is told"
            );
            let opened = ran.json();
            assert_eq!(opened["samples"].as_u64(), Some(samples), "{name}");
            assert_eq!(opened["srtp_failed"].as_u64(), Some(0), "{name}");
        }
        let newest = site.run("list", &["--json", "--limit", "1000"]).json();
        let mine = newest.as_array().unwrap().iter().filter(|r| r["tap"] == name);
        let last = mine.max_by_key(|r| r["ledger_no"].as_u64()).unwrap();
        let reference = last["reference"].as_str().unwrap();
        let out = site.path(&format!("out-{reference}"));
        assert_eq!(site.run("export", &["--out", out, "--id", reference]).code, Some(0));
        assert!(Wav::read(&only(out, "wav")).likeness() > 0.5, "{name} is sound, not noise");
    }

    fs::write(file, "AES_CM_128_HMAC_SHA1_80 c2hvcnQ=\n").unwrap();
    let pcap = folder.join("sipp__g711a.pcap");
    let words = ["--srtp-keys", file, "--pcap", pcap.to_str().unwrap()];
    site.run("record", &words).refused(2, &["line 1", "length"]);
    site.run("record", &["--srtp-keys", "/nowhere/keys", "--pcap", words[3]]).refused(3, &["/nowhere/keys"]);
}

/// The only file with this extension in a folder.
pub(super) fn only(folder: &str, extension: &str) -> Vec<u8> {
    let files = fs::read_dir(folder).expect("the folder of the export").flatten().map(|entry| entry.path());
    let mut files = files.filter(|path| path.extension().is_some_and(|e| e == extension));
    let (file, None) = (files.next(), files.next()) else { panic!("several .{extension} in {folder}") };
    fs::read(file.unwrap_or_else(|| panic!("no .{extension} in {folder}"))).expect("a file")
}

/// A WAV file as exported.
pub(super) struct Wav {
    pub(super) rate_hz: u32,
    pub(super) channels: u16,
    pub(super) samples: Vec<i16>,
}

impl Wav {
    pub(super) fn read(bytes: &[u8]) -> Self {
        let at = bytes.windows(4).position(|four| four == b"data").expect("a data chunk") + 8;
        let channels = u16::from_le_bytes([bytes[22], bytes[23]]);
        let rate_hz = u32::from_le_bytes(bytes[24..28].try_into().unwrap());
        let samples = bytes[at..].chunks_exact(2).map(|two| i16::from_le_bytes([two[0], two[1]])).collect();
        Self { rate_hz, channels, samples }
    }

    fn frames(&self) -> u64 {
        self.samples.len() as u64 / u64::from(self.channels)
    }

    /// How much each sample is like the one before it: sound is near 1, noise near 0.
    fn likeness(&self) -> f64 {
        let pairs =
            || self.samples.iter().zip(&self.samples[1..]).map(|(a, b)| (f64::from(*a), f64::from(*b)));
        pairs().map(|(a, b)| a * b).sum::<f64>() / pairs().map(|(a, _)| a * a).sum::<f64>().max(1.0)
    }
}
