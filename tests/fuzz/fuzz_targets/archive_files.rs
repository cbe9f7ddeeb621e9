//! Every file of an archive that a stranger's medium may bring: read without a panic, and what is read is what is written.
#![no_main]

use amethyst_archive as archive;
use archive::log::{Checkpoint, Leaf, LeafFile, Proof};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let key = seal::SigningKey::from_seed(&[1; 32]);
    let public = key.verifying_key();
    if let Ok(leaf) = Leaf::parse(bytes) {
        assert_eq!(leaf.to_bytes(), bytes);
    }
    if let Ok(file) = LeafFile::parse(bytes) {
        assert_eq!(file.to_bytes(), bytes);
        let _root = file.root();
    }
    if let Ok(day) = archive::DayCatalogue::parse(bytes) {
        assert_eq!(day.rows().count(), day.len());
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _refused = Checkpoint::open(text, &public);
        if let Ok(proof) = text.parse::<Proof>() {
            assert_eq!(proof.to_string().parse::<Proof>().expect("its own text"), proof);
        }
        let _path = archive::layout::is_plain_path(text);
    }
    if let Ok(bundle) = archive::Bundle::parse(bytes) {
        assert_eq!(bundle.to_bytes(), bytes);
    }
    if let Ok(contents) = archive::VaultContents::parse(bytes) {
        let written = contents.to_bytes();
        let again = archive::VaultContents::parse(&written).expect("its own bytes");
        assert_eq!(*again.to_bytes(), *written);
    }
    let _refused = archive::Card::open(bytes, &public);
    // A signature over anything, so that the lines behind it are reached.
    let _refused = archive::Manifest::open(bytes, |_| Some(public));
    let _refused = archive::RunReport::open(bytes, |_| Some(public));
    let mut signed = bytes.to_vec();
    if !signed.ends_with(b"\n") {
        signed.push(b'\n');
    }
    let signature = key.sign("amethyst/archive/manifest/v1", &signed);
    let lines = signed.iter().filter(|b| **b == b'\n').count().saturating_sub(3);
    signed.extend(format!("end {lines} {} {}\n", key.key_id(), base64(&signature)).into_bytes());
    if let Ok(manifest) = archive::Manifest::open(&signed, |_| Some(public)) {
        assert_eq!(manifest.sign(&key), signed);
    }
});

fn base64(bytes: &[u8]) -> String {
    const SYMBOLS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let all = three.iter().fold(0_u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - three.len()));
        for at in 0..4 {
            let symbol = SYMBOLS[(all >> (18 - 6 * at) & 63) as usize];
            text.push(if at > three.len() { '=' } else { char::from(symbol) });
        }
    }
    text
}
