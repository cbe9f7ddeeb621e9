#!/usr/bin/python3
"""memory.py - what one more call costs `amethyst record` in memory: its peak at few and at many calls, and the slope between.

Calls that begin within a second, each in another place of its second as on a real line, are read from a capture file as fast as it
goes; all of them are up at once. Two figures for each: the resident size, with all that the program is, and what it had from malloc
(heap.c), without what the allocator keeps back. Their difference over the calls that one has more is the price of a call, pre-roll
apart: known calls have none. Ends with 1 above 40 KiB.
"""
import argparse, json, os, re, shutil, subprocess, sys

HERE = os.path.dirname(os.path.abspath(__file__))
KIB_MAX = 40


def capture(calls):
    file = os.path.join(A.work, f'calls-{calls}x{A.secs:g}-tone.pcap')
    if not os.path.exists(file + '.json'):
        print(f'making {file} (once)', file=sys.stderr)
        subprocess.run(['/usr/bin/python3', f'{HERE}/genpcap.py', 'gen', file, '--calls', str(calls), '--secs', str(A.secs), '--tone'], check=True, stdout=subprocess.DEVNULL)
    return file


def record(pcap, calls, preload):
    """(resident KiB, live octets at the peak or None)"""
    site = os.path.join(A.work, 'memory-site')
    shutil.rmtree(site, ignore_errors=True)
    subprocess.run([A.amethyst, 'init', '--data', site, '--site-name', 'bench', '--zone', 'Etc/UTC'], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    log = os.path.join(A.work, 'memory.log')
    child = subprocess.Popen([A.amethyst, 'record', '--data', site, '--pcap', pcap], stdout=subprocess.PIPE, stderr=open(log, 'w'), env={**os.environ, **preload})
    said = child.stdout.read()
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    shutil.rmtree(site, ignore_errors=True)
    if child.returncode != 0 or json.loads(said)['ledger']['recorded'] != calls: sys.exit(open(log).read() + f'memory: {calls} calls were not recorded whole')
    heap = re.search(r'^heap: (\d+) octets', open(log).read(), re.M)
    return used.ru_maxrss, heap and int(heap[1])


def main():
    counter = os.path.join(A.work, 'heap.so')
    subprocess.run(['cc', '-O2', '-shared', '-fPIC', '-o', counter, f'{HERE}/heap.c', '-ldl'], check=True)
    rows = []
    for calls in (A.few, A.many):
        pcap = capture(calls)
        resident = record(pcap, calls, {})[0]
        rows.append((resident, record(pcap, calls, {'LD_PRELOAD': counter})[1] / 1024))
    print(f"\n{'memory, KiB':30} {f'{A.few:,} calls':>12} {f'{A.many:,} calls':>12} {'each call':>10}")
    worst = 0
    for place, what in enumerate(('resident', 'from malloc')):
        few, many = rows[0][place], rows[1][place]
        each = (many - few) / (A.many - A.few)
        worst = max(worst, each)
        print(f'{what:30} {few:12,.0f} {many:12,.0f} {each:10.1f}')
    print(f"{f'at most {KIB_MAX} KiB a call':40}{'yes' if worst <= KIB_MAX else 'NO'}\n")
    sys.exit(worst > KIB_MAX)


P = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
P.add_argument('--amethyst', required=True); P.add_argument('--work', required=True)
P.add_argument('--few', type=int, default=500); P.add_argument('--many', type=int, default=2000); P.add_argument('--secs', type=float, default=10)
A = P.parse_args()
os.makedirs(A.work, exist_ok=True)
main()
