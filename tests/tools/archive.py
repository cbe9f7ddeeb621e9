#!/usr/bin/python3
"""What the nightly archive costs beside its yardsticks, in one run on one disk.

  archive.py --amethyst PROGRAM --work DIR [--calls 5000] [--secs 12] [--rounds 2]

Records CALLS calls (a sealed file of about 200 KB each at 12 s), then in turn, onto a fresh ext4 loop device each (needs root; else
into folders, and says so): `cp -r` of the sealed files, sync, b3sum or sha256sum of the copy read from the device; `amethyst
archive run`; restic and borg where they are installed. Prints CPU seconds (with children), wall seconds and peak memory.
"""
import argparse, json, os, resource, shutil, subprocess, sys, time
from pathlib import Path

HERE = Path(__file__).resolve().parent


def timed(words, env=None, cwd=None):
    """Runs and returns (CPU s of all children, wall s, peak KiB of the largest)."""
    before, t = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(words, env=env, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wall, after = time.monotonic() - t, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{words[0]} ended with {done.returncode}: {done.stderr.decode()[-600:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, wall, after.ru_maxrss


def fresh(work, megabytes):
    """An empty file system: ext4 on a loop device as root, else a folder."""
    at = work / "mnt"
    at.mkdir(exist_ok=True)
    if os.geteuid():
        shutil.rmtree(at); at.mkdir()
        return at
    image = work / "mnt.img"
    subprocess.run(["umount", at], stderr=subprocess.DEVNULL)
    image.unlink(missing_ok=True)
    with open(image, "wb") as f:
        f.truncate(megabytes << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, at], check=True)
    return at


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--amethyst", required=True); a.add_argument("--work", required=True)
    a.add_argument("--calls", type=int, default=5000); a.add_argument("--secs", type=int, default=12)
    a.add_argument("--rounds", type=int, default=2)
    o = a.parse_args()
    work = Path(o.work) / "archive"
    shutil.rmtree(work, ignore_errors=True); work.mkdir(parents=True)
    pcap, site = work / "calls.pcap", work / "site"
    subprocess.run([sys.executable, HERE / "genpcap.py", "gen", pcap, "--calls", str(o.calls), "--secs", str(o.secs),
                    "--stagger", "60"], check=True, stdout=subprocess.DEVNULL)
    run = lambda *w: subprocess.run([o.amethyst, *w], check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    run("init", "--data", site, "--site-name", "Bench", "--zone", "Africa/Johannesburg")
    run("record", "--data", site, "--pcap", pcap)
    pcap.unlink()
    live = site / "live"
    files = [f for f in live.rglob("*.amx")]
    size = sum(f.stat().st_size for f in files)
    megabytes = max(256, (size >> 20) * 3 // 2 + 256)
    print(f"{len(files)} sealed files, {size / 1e6:.0f} MB; on {'ext4 loop devices' if not os.geteuid() else 'folders (no root: no device of its own)'}")
    sums = shutil.which("b3sum") or shutil.which("sha256sum")
    rows = []
    drop = lambda: os.geteuid() or Path("/proc/sys/vm/drop_caches").write_text("3")
    for n in range(o.rounds):
        at = fresh(work, megabytes); drop()
        script = f"cp -r {live} {at}/copy && sync -f {at}/copy && echo 3 > /proc/sys/vm/drop_caches 2>/dev/null; find {at}/copy -type f -print0 | xargs -0 {sums} > /dev/null"
        rows.append((f"cp -r; sync; {Path(sums).name}", *timed(["bash", "-c", script])))
        at = fresh(work, megabytes); drop()
        name = f"bench{n}"
        run("location", "add", "--data", site, "--kind", "folder", "--path", at, "--name", name)
        rows.append(("amethyst archive run", *timed([o.amethyst, "archive", "run", "--data", site, "--location", name, "--logins", "0"])))
        for tool, make, save in (("restic", ["init"], ["backup", live]), ("borg", None, None)):
            if not shutil.which(tool):
                continue
            at = fresh(work, megabytes); drop()
            env = dict(os.environ, RESTIC_PASSWORD="x", RESTIC_REPOSITORY=str(at / "r"), BORG_PASSPHRASE="x", HOME=str(work))
            if tool == "restic":
                subprocess.run(["restic", *make], env=env, check=True, stdout=subprocess.DEVNULL)
                rows.append(("restic backup", *timed(["restic", *save], env=env)))
            else:
                subprocess.run(["borg", "init", "-e", "repokey-blake2", at / "b"], env=env, check=True, stdout=subprocess.DEVNULL)
                rows.append(("borg create", *timed(["borg", "create", f"{at}/b::x", live], env=env)))
    subprocess.run(["umount", work / "mnt"], stderr=subprocess.DEVNULL)
    base = [r for r in rows if r[0].startswith("cp")]
    cpu, wall = sum(r[1] for r in base) / len(base), sum(r[2] for r in base) / len(base)
    print(f"{'':24} {'CPU s':>8} {'x cp':>6} {'wall s':>8} {'x cp':>6} {'peak MiB':>9}")
    for what, c, w, m in rows:
        print(f"{what:24} {c:8.2f} {c / cpu:6.2f} {w:8.2f} {w / wall:6.2f} {m / 1024:9.0f}")
    shutil.rmtree(work, ignore_errors=True)


main()
