//! Sealing what the archive adds to recordings: day catalogues in memory, backups from file to file.

use std::io::Read;

use seal::{FinalInfo, Meta, PacketCounts, PartSpec, RecipientKey, TRAILER_LEN, Writer};
use shared::{RecorderId, SiteId};
use store::Disk as _;

use crate::Result;
use crate::carrier::Source;
use crate::engine::World;

/// Plaintext of one frame.
const FRAME: usize = 60 << 10;
/// A sealed file ends well below 1 GiB; a longer backup is several.
const PART: u64 = 960 << 20;

/// Who seals for central: its identity in headers is the site's.
pub(crate) fn central_id(site: SiteId) -> RecorderId {
    RecorderId(site.0)
}

/// Seals a small plaintext.
pub(crate) fn small(world: &World<'_>, spec: &PartSpec, to: &RecipientKey, plain: &[u8]) -> Result<Vec<u8>> {
    let (mut writer, mut out) = begin(world, spec, to)?;
    out.extend(writer.meta(&Meta::default())?);
    for chunk in plain.chunks(FRAME) {
        out.extend(writer.data(chunk)?);
    }
    let (rest, _source, trailer) = end(world, spec, writer)?;
    out.extend(rest);
    out.extend(trailer);
    Ok(out)
}

/// Seals what `from` gives into a new file of the data folder, up to the length of a part. Returns what a carrier must know of it,
/// and whether more is to come.
pub(crate) fn file(
    world: &World<'_>,
    spec: &PartSpec,
    to: &RecipientKey,
    from: &mut dyn Read,
    path: &str,
) -> Result<(Source, bool)> {
    let (mut writer, head) = begin(world, spec, to)?;
    let mut file = world.data.create_new(path)?;
    file.append(&[&head, &writer.meta(&Meta::default())?])?;
    let mut chunk = vec![0; FRAME];
    let mut more = true;
    while more && writer.offset() < PART {
        let n = fill(from, &mut chunk)
            .map_err(|e| store::StoreError::sorted("read the copy of", "the database", e))?;
        more = n == chunk.len();
        let plain = chunk.get(..n).unwrap_or_default();
        if !plain.is_empty() {
            file.append(&[&writer.data(plain)?])?;
        }
    }
    let (rest, mut source, trailer) = end(world, spec, writer)?;
    file.append(&[&rest, &trailer])?;
    if let Source::Sealed { path: place, size, .. } = &mut source {
        path.clone_into(place);
        *size = file.len();
    }
    Ok((source, more))
}

fn fill(from: &mut dyn Read, chunk: &mut [u8]) -> std::io::Result<usize> {
    let mut have = 0_usize;
    while let Some(room) = chunk.get_mut(have..).filter(|room| !room.is_empty()) {
        match from.read(room) {
            Ok(0) => break,
            Ok(n) => have = have.saturating_add(n),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(have)
}

fn begin(world: &World<'_>, spec: &PartSpec, to: &RecipientKey) -> Result<(Writer, Vec<u8>)> {
    let signer = world.central.signing_key().key_id();
    Ok(Writer::begin(spec, std::slice::from_ref(to), signer, &mut world.central.dice())?)
}

/// Returns the closing frames, what is known of the whole, and the trailer.
fn end(world: &World<'_>, spec: &PartSpec, writer: Writer) -> Result<(Vec<u8>, Source, [u8; TRAILER_LEN])> {
    let info = FinalInfo {
        end: spec.start,
        reason: "end-of-input".to_owned(),
        packets: PacketCounts::default(),
        clock: None,
    };
    let (rest, closing) = writer.close(info)?;
    let facts = closing.facts();
    let trailer = closing.trailer(false, spec.start, world.central.signing_key());
    let source = Source::Sealed { path: String::new(), size: 0, sha256: facts.sha256, blake3: facts.blake3 };
    Ok((rest, source, trailer))
}
