#!/usr/bin/python3
"""What the nightly archive costs beside its yardsticks, in one run on one disk.

  archive.py --amethyst PROGRAM --work DIR [--calls 20000] [--rounds 2] [--big 4] [--logins 60] [--keep] [--only WORD,WORD]

Two sites in turn: CALLS calls of about 200 KB each, then BIG calls of about 1 GB each. What
is sealed looks like noise, so nothing de-duplicates. For each, ROUNDS times and interleaved, onto a fresh ext4 loop device (needs
root; else into folders, and says so) and with a cold cache:

  cp -r of the sealed files, sync, b3sum of the copy read from the device     (the yardstick)
  amethyst archive run        both digests, everything read back past the cache, catalogues, manifests, log, report, backup
  ... with the slots of 60 days' logins, whose keys are derived slowly on purpose (one round, small site only)
  rsync -a; sync
  restic and borg, each in three ways (those that are installed):
    without compression       the least they can do: nothing compressed, and nothing read back
    by default                as their users run them: compressed (zstd, lz4), and nothing read back
    with reading back         without compression, then `restic check --read-data`, `borg check --verify-data`, with a cold cache: what
                              an archive run does too

Prints CPU seconds (with children), wall seconds, peak memory of the largest process, and the ratios to the yardstick. Needs room for
three times the larger site. --keep leaves the sites for the next time.
"""
import argparse, os, re, resource, shutil, struct, subprocess, sys, time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = os.geteuid() == 0


def timed(words, env=None):
    """Runs and returns (CPU s with children, wall s, peak KiB of the largest). The kernel counts each process's children."""
    out, t = Path("/proc/self/fd/2"), time.monotonic()
    pid = os.posix_spawnp(str(words[0]), [str(w) for w in words], env or os.environ,
                          file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
    _, status, used = os.wait4(pid, 0)
    wall = time.monotonic() - t
    if status:
        sys.exit(f"{words[0]} ended with {status} ({out})")
    return used.ru_utime + used.ru_stime, wall, used.ru_maxrss


def quiet(*words, **more):
    subprocess.run([str(w) for w in words], check=True, stdout=subprocess.DEVNULL, **more)


def fresh(work, megabytes):
    """An empty file system: ext4 on a loop device as root, else a folder. The cache is cold behind it."""
    at, image = work / "mnt", work / "mnt.img"
    at.mkdir(exist_ok=True)
    if not ROOT:
        shutil.rmtree(at); at.mkdir()
        return at
    subprocess.run(["umount", at], stderr=subprocess.DEVNULL)
    image.unlink(missing_ok=True)
    with open(image, "wb") as f:
        f.truncate(megabytes << 20)
    quiet("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", image)
    quiet("mount", "-o", "loop", image, at)
    quiet("sync")
    Path("/proc/sys/vm/drop_caches").write_text("3")
    return at


def noise(pcap, calls, octets):
    """Calls in L16/44100/2, one after the other, whose sealed files have about so many octets each: noise, both directions."""
    import numpy as np
    import genpcap as g
    size, rate = 1440, 44100 * 4                                  # octets of a packet, a second
    packets = octets // (2 * size)
    with open(pcap, "wb", buffering=1 << 22) as o:
        o.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        put = lambda us, f: o.write(struct.pack("<IIII", us // 1000000, us % 1000000, len(f), len(f)) + f)
        rng, now = np.random.default_rng(1), 1_700_000_000_000_000
        for k in range(calls):
            (a, b), (pa, pb) = g.addr(k), g.ports(k)
            said = []
            for tick, way, text in g.sip({"law": "u"}, k):
                head, body = text.decode().split("\r\n\r\n", 1)
                body = body.replace("RTP/AVP 0 ", "RTP/AVP 10 ").replace("rtpmap:0 PCMU/8000", "rtpmap:10 L16/44100/2")
                head = re.sub(r"Content-Length: \d+", f"Content-Length: {len(body)}", head)
                said.append((tick, g.udp_frame(*((a, b, 5060, 5060) if way == 0 else (b, a, 5060, 5060)), f"{head}\r\n\r\n{body}".encode())))
            for tick, frame in said:
                if tick >= 0:
                    put(now + tick * 20000, frame)
            now += 600_000
            frames = [g.udp_frame(*w, struct.pack("!BBHII", 0x80, 10, 0, 0, 7 + d) + bytes(size))
                      for d, w in enumerate(((a, b, pa, pb), (b, a, pb, pa)))]
            fl = len(frames[0]); head = np.frombuffer(b"".join(bytes(16) + f for f in frames), np.uint8).reshape(2, -1)
            for first in range(0, packets, 4096):
                n = np.arange(first, min(packets, first + 4096)); R = np.tile(head, (len(n), 1, 1))
                us = now + n * size * 1_000_000 // rate
                for d in (0, 1):
                    t = us + d * 500
                    R[:, d, 0:4] = (t // 1000000).astype("<u4").view(np.uint8).reshape(-1, 4)
                    R[:, d, 4:8] = (t % 1000000).astype("<u4").view(np.uint8).reshape(-1, 4)
                    R[:, d, 8:16] = np.frombuffer(struct.pack("<II", fl, fl), np.uint8)
                    R[:, d, 60:62] = (n & 0xffff).astype(">u2").view(np.uint8).reshape(-1, 2)
                    R[:, d, 62:66] = (n * (size // 4) & 0xffffffff).astype(">u4").view(np.uint8).reshape(-1, 4)
                R[:, :, 70:] = np.frombuffer(rng.bytes(len(n) * 2 * size), np.uint8).reshape(-1, 2, size)
                o.write(R.tobytes())
            now += packets * size * 1_000_000 // rate + 100_000
            for tick, frame in said:
                if tick < 0:
                    put(now - tick * 20000, frame)
            now += 2_000_000


def site_of(o, work, name, make):
    """A data folder with recordings, made unless it was kept."""
    site, pcap = work / name, work / "calls.pcap"
    if not (site / "live").exists():
        shutil.rmtree(site, ignore_errors=True)
        make(pcap)
        quiet(o.amethyst, "init", "--data", site, "--site-name", "Bench", "--zone", "Africa/Johannesburg", stderr=subprocess.DEVNULL)
        quiet(o.amethyst, "record", "--data", site, "--pcap", pcap, stderr=subprocess.DEVNULL)
        pcap.unlink()
    return site


def plus(first, then):
    """Two commands one after the other, as one."""
    return first[0] + then[0], first[1] + then[1], max(first[2], then[2])


def chill():
    """What is read next comes from the device."""
    if ROOT:
        quiet("sync")
        Path("/proc/sys/vm/drop_caches").write_text("3")


def restic(anew, live, env):
    """restic in its three ways, each into a repository of its own, with a cache that is as new."""
    def backup(*words):
        e = dict(env, RESTIC_REPOSITORY=str(anew() / "r"), RESTIC_CACHE_DIR=str(Path(env["HOME"]) / "restic-cache"))
        shutil.rmtree(e["RESTIC_CACHE_DIR"], ignore_errors=True)
        quiet("restic", "init", env=e)
        return e, timed(["restic", "backup", "-q", *words, live], e)

    e, plain = backup("--compression", "off")
    chill()
    checked = plus(plain, timed(["restic", "check", "-q", "--read-data"], e))
    _, default = backup()
    return [("restic, no compression", *plain), ("restic, by default", *default), ("restic, no c., reads back", *checked)]


def borg(anew, live, env):
    """borg in its three ways, as restic."""
    def create(*words):
        at = anew() / "b"
        for folder in (".cache/borg", ".config/borg"):
            shutil.rmtree(Path(env["HOME"]) / folder, ignore_errors=True)
        quiet("borg", "init", "-e", "repokey-blake2", at, env=env, stderr=subprocess.DEVNULL)
        return at, timed(["borg", "create", *words, f"{at}::x", live], env)

    at, plain = create("-C", "none")
    chill()
    checked = plus(plain, timed(["borg", "check", "--verify-data", at], env))
    _, default = create()
    return [("borg, no compression", *plain), ("borg, by default", *default), ("borg, no c., reads back", *checked)]


def rows_of(o, work, site, megabytes, logins):
    """Runs everything in turn; returns [(what, CPU, wall, peak)]."""
    live, rows = site / "live", []
    only = o.only.split(",") if o.only else None
    wanted = lambda word: (not only or word in only) and (word in ("cp", "amethyst") or shutil.which(word))
    cold = "echo 3 > /proc/sys/vm/drop_caches;" if ROOT else ""
    env = dict(os.environ, RESTIC_PASSWORD="x", BORG_PASSPHRASE="x", HOME=str(work))

    def amethyst(at, tag, days):
        # Each run meets the site as it was recorded: proofs of the runs before would make its database, and so its backup, larger.
        name, before = f"b{time.time_ns()}", work / "before"
        shutil.rmtree(before, ignore_errors=True)
        shutil.copytree(site, before, ignore=lambda folder, _: ["live"] if Path(folder) == site else [])
        quiet(o.amethyst, "location", "add", "--data", site, "--kind", "folder", "--path", at, "--name", name)
        run = [o.amethyst, "archive", "run", "--data", site, "--location", name, "--logins", str(days)]
        rows.append((f"amethyst archive run{tag}", *timed(run)))
        for path in [path for path in site.iterdir() if path.name != "live"]:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.copytree(before, site, dirs_exist_ok=True)
        shutil.rmtree(before)

    for n in range(o.rounds):
        if wanted("cp"):
            at = fresh(work, megabytes)
            script = f"cp -r {live} {at}/copy && sync -f {at}/copy; {cold} find {at}/copy -type f -print0 | xargs -0 b3sum > /dev/null"
            rows.append(("cp -r; sync; b3sum", *timed(["bash", "-c", script])))
        if wanted("amethyst"):
            amethyst(fresh(work, megabytes), "", 0)
        if wanted("rsync"):
            at = fresh(work, megabytes)
            rows.append(("rsync -a; sync", *timed(["bash", "-c", f"rsync -a {live} {at}/copy && sync -f {at}"])))
        for tool in (restic, borg):
            if wanted(tool.__name__):
                rows.extend(tool(lambda: fresh(work, megabytes), live, env))
    if logins and wanted("amethyst"):
        amethyst(fresh(work, megabytes), f", {logins} logins", logins)
    if ROOT:
        subprocess.run(["umount", work / "mnt"], stderr=subprocess.DEVNULL)
    (work / "mnt.img").unlink(missing_ok=True)
    return rows


def table(rows):
    base = [r for r in rows if r[0].startswith("cp")] or rows[:1]
    cpu, wall = (sum(r[n] for r in base) / len(base) for n in (1, 2))
    print(f"{'':32} {'CPU s':>8} {'x cp':>6} {'wall s':>8} {'x cp':>6} {'peak MiB':>9}")
    for what, c, w, m in rows:
        print(f"{what:32} {c:8.2f} {c / cpu:6.2f} {w:8.2f} {w / wall:6.2f} {m / 1024:9.0f}", flush=True)


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--amethyst", required=True); a.add_argument("--work", required=True)
    a.add_argument("--calls", type=int, default=20_000);
    a.add_argument("--rounds", type=int, default=2); a.add_argument("--big", type=int, default=4)
    a.add_argument("--logins", type=int, default=60)
    a.add_argument("--keep", action="store_true"); a.add_argument("--only", default="")
    o = a.parse_args()
    work = Path(o.work) / "archive"
    work.mkdir(parents=True, exist_ok=True)
    sys.path.insert(0, str(HERE))
    for count, name, octets, logins in [(o.calls, "small", 195_000, o.logins), (o.big, "big", 1_000_000_000, 0)]:
        if not count:
            continue
        site = site_of(o, work, f"{name}-{count}", lambda pcap: noise(pcap, count, octets))
        sizes = [f.stat().st_size for f in (site / "live").rglob("*.amx")]
        megabytes = max(256, (sum(sizes) >> 20) * 5 // 4 + 512)
        print(f"{len(sizes)} sealed files, {sum(sizes) / 1e6:.0f} MB, on {'ext4 loop devices' if ROOT else 'folders (no root: no device of its own)'}")
        table(rows_of(o, work, site, megabytes, logins))
        if not o.keep:
            shutil.rmtree(site)


if __name__ == "__main__":
    main()
