#!/usr/bin/python3
"""bench.py - weighs `amethyst record` and `amethyst export` against floor.c and prints a table.

Yardstick and product run in turns on the same capture, so that a busy machine slows both; the medians are compared. What
was exported is then compared, sample for sample, with what was fed: a fast recorder that loses audio is no recorder.

Every run writes into a folder of its own on a disk that has been synced, and what it wrote is emptied, not removed, until
all is weighed: ext4 does not use the inode of a removed file again for some minutes and walks past every one of them for
each new file, which would be charged to whoever writes next. So a bench within five minutes of another shows a little more.
"""
import argparse, glob, json, os, shutil, statistics, subprocess, sys

HERE = os.path.dirname(os.path.abspath(__file__))


def run(command, quiet=True):
    """(CPU seconds, peak memory in MiB, wall seconds); ends the bench if the command fails"""
    import time
    began = time.monotonic()
    log = open(os.path.join(A.work, 'last.log'), 'wb')
    child = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    _, status, used = os.wait4(child.pid, 0)
    wall = time.monotonic() - began
    log.close()
    if status != 0:
        sys.stderr.write(open(log.name, errors='replace').read()[-3000:])
        sys.exit(f"bench: {' '.join(command)} ended with status {os.waitstatus_to_exitcode(status)}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, wall


def fresh(name):
    """A folder that no run has used, on a disk with nothing left to write."""
    fresh.count += 1
    os.sync()
    return os.path.join(RUNS, f'{name}-{fresh.count}')


fresh.count = 0


def empty(folder):
    """Gives the room back, but not the inodes."""
    for where, _, names in os.walk(folder):
        for name in names: os.truncate(os.path.join(where, name), 0)


def capture():
    """The capture, made once per size."""
    file = os.path.join(A.work, f'calls-{A.calls}x{A.secs:g}.pcap')
    if not os.path.exists(file + '.json'):
        print(f'making {file} (once)', file=sys.stderr)
        subprocess.run(['/usr/bin/python3', f'{HERE}/genpcap.py', 'gen', file, '--calls', str(A.calls), '--secs', str(A.secs)], check=True, stdout=subprocess.DEVNULL)
    return file, json.load(open(file + '.json'))


def record(pcap, keep):
    """Weighs a recording; returns its folder, too, emptied unless it is to be kept."""
    site = fresh('site')
    run([A.amethyst, 'init', '--data', site, '--site-name', 'bench', '--zone', 'Etc/UTC'])
    weight = run([A.amethyst, 'record', '--data', site, '--pcap', pcap])
    if not keep: empty(site)
    return weight, site


def floor(pcap):
    out = fresh('floor.out')
    os.makedirs(out)
    weight = run([os.path.join(A.work, 'floor'), pcap, out, 'enc'])
    empty(out)
    return weight


def export(site, keep):
    out = fresh('out')
    weight = run([A.amethyst, 'export', '--data', site, '--out', out, '--all'])
    if not keep: empty(out)
    return weight, out


def middle(runs):
    return tuple(statistics.median(x) for x in zip(*runs))


def verdict(ok):
    return 'yes' if ok else 'NO'


def main():
    pcap, fed = capture()
    hours = A.calls * A.secs / 3600
    print(f"{fed['packets']:,} packets, {A.calls:,} calls of {A.secs:g} s, {hours:.2f} call-hours; medians of {A.rounds} runs in turns\n")
    with open(pcap, 'rb') as f:                        # the page cache is warm for whoever is first
        while f.read(1 << 24): pass
    floors, records, exports = [], [], []
    for n in range(1, A.rounds + 1):
        floors.append(floor(pcap))
        weight, site = record(pcap, n == A.rounds)
        records.append(weight)
    for n in range(1, A.rounds + 1):
        weight, out = export(site, n == A.rounds)
        exports.append(weight)
    f, r, e = middle(floors), middle(records), middle(exports)
    rows = []
    if shutil.which('tcpdump'):
        t = run(['tcpdump', '-r', pcap, '-w', '/dev/null'])
        rows.append(('tcpdump -r -w /dev/null', t))
    rows += [('floor.c enc (the least there is to do)', f), ('amethyst record --pcap', r), ('amethyst export --all', e)]
    print(f"{'':40} {'CPU s':>8} {'peak MiB':>9} {'wall s':>8} {'CPU s/call-hour':>16} {'to floor':>9}")
    for name, x in rows:
        print(f'{name:40} {x[0]:8.2f} {x[1]:9.0f} {x[2]:8.2f} {x[0] / hours:16.3f} {x[0] / f[0]:9.2f}')
    ratios = [b[0] / a[0] for a, b in zip(floors, records)]
    speed = hours * 3600 / e[0]
    print(f"\nper packet                     {r[0] / fed['packets'] * 1e6:8.3f} µs of CPU")
    print(f'ratio to floor, round by round  {", ".join(f"{x:.2f}" for x in ratios)}')
    print(f'export                         {speed:8.0f} times real time per core')
    print()
    if A.calls < 1000 or A.secs < 60:
        print('what follows is promised for 1,000 calls of 60 s; short and few calls pay more for keys and starting')
    print(f'at most 0.4 CPU s per call-hour         {verdict(r[0] / hours <= 0.4)}')
    print(f'at most 3.2 times the floor             {verdict(r[0] / f[0] <= 3.2)}')
    print(f'at most 150 MiB                         {verdict(r[1] <= 150)}')
    print(f'export at least 1,500 times real time   {verdict(speed >= 1500)}')
    files = os.path.join(out, '*.wav')
    if not glob.glob(files): sys.exit('bench: export wrote no WAV files')
    exact = subprocess.run(['/usr/bin/python3', f'{HERE}/genpcap.py', 'verify', pcap, '--files', files], stdout=subprocess.PIPE, text=True)
    print(f'every sample of every call as fed       {verdict(exact.returncode == 0)}')
    if exact.returncode != 0: sys.exit(exact.stdout)


P = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
P.add_argument('--amethyst', required=True); P.add_argument('--work', required=True)
P.add_argument('--calls', type=int, default=1000); P.add_argument('--secs', type=float, default=60); P.add_argument('--rounds', type=int, default=3)
A = P.parse_args()
RUNS = os.path.join(A.work, 'runs')
shutil.rmtree(RUNS, ignore_errors=True)  # what a bench that was broken off left
os.makedirs(RUNS)
try:
    main()
finally:
    shutil.rmtree(RUNS, ignore_errors=True)
