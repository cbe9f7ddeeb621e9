#!/usr/bin/python3
"""live.py - how many calls `amethyst record --interface` sustains: a capture is replayed over a veth pair at its own pace.

The kernel's share of receiving is paid by whoever's core it runs on: by default the sender's, with --one-core the recorder's
(receive packet steering), so that one core does all that a recording machine does.

Makes two network namespaces, records at one end what replay.c sends at the other (recorder on one core, sender on another),
and prints for each speed: the recorder's CPU as a share of one core, its memory, what the kernel dropped, and whether every
packet arrived and every call was recorded whole. Needs root. Ends with 1 if anything was lost at speed 1.

With --serve each speed is run a second time by `amethyst serve`, console and all, and the ratio of the two is said: having the
server on must not cost the recording anything.
"""
import argparse, json, os, re, shutil, signal, subprocess, sys, time


def ip(words):
    subprocess.run(['ip'] + words.split(), check=True)


def served(log):
    """What a server says of itself, in the words of `record --json`."""
    door = re.search(r'console is at https://\S+?:(\d+)', open(log).read())[1]
    ask = f'import ssl, urllib.request as u; print(u.urlopen("https://127.0.0.1:{door}/metrics", context=ssl._create_unverified_context()).read().decode())'
    page = subprocess.run(['ip', 'netns', 'exec', B, '/usr/bin/python3', '-c', ask], check=True, stdout=subprocess.PIPE, text=True).stdout
    figure = lambda name: int(float(re.search(rf'^{re.escape(name)} (\S+)$', page, re.M)[1]))
    return dict(packets=figure('amethyst_packets_total'), kernel_drops=figure('amethyst_kernel_drops_total'), calls=figure('amethyst_calls_total'),
                recorder_overrun_bytes=figure('amethyst_recorder_overrun_bytes_total'), ledger=dict(recorded=figure('amethyst_ledger_entries_total{end="recorded"}')))


def one(speed, serve=False):
    site = os.path.join(A.work, 'live', f'at-{speed:g}' + '-served' * serve)
    os.sync()
    subprocess.run([A.amethyst, 'init', '--data', site, '--site-name', 'bench', '--zone', 'Etc/UTC'], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    log = os.path.join(A.work, 'live.log')
    inside = ['ip', 'netns', 'exec', B]
    work = ['record', '--data', site, '--interface', 'vb', '--json']
    if serve:
        open(os.path.join(site, 'amethyst.toml'), 'a').write('\n[[tap]]\nname = "bench"\ninterface = "vb"\nside = "trunk"\n')
        work = ['serve', '--data', site, '--listen', '127.0.0.1:0']
    recorder = subprocess.Popen(inside + ['taskset', '-c', str(A.recorder_core), A.amethyst] + work, stdout=subprocess.PIPE, stderr=open(log, 'w'))
    while 'recording on' not in open(log).read():
        if recorder.poll() is not None: sys.exit(open(log).read())
        time.sleep(0.05)
    sent = json.loads(subprocess.run(['ip', 'netns', 'exec', A_NS, 'taskset', '-c', str(A.sender_core), A.replay, A.pcap, 'va', str(speed)],
                                     check=True, stdout=subprocess.PIPE).stdout)
    time.sleep(0.5)
    if serve:
        time.sleep(2)  # its figures are those of the last second
        said = json.dumps(served(log))
    recorder.send_signal(signal.SIGINT)
    said = recorder.stdout.read() if not serve else said
    _, status, used = os.wait4(recorder.pid, 0)
    recorder.returncode = os.waitstatus_to_exitcode(status)
    if recorder.returncode not in (0, 1): sys.exit(open(log).read())
    return sent, json.loads(said), used, [line for line in open(log) if 'recording on' not in line and (not serve or 'ALARM' in line)]


def main():
    fed = json.load(open(A.pcap + '.json')) if os.path.exists(A.pcap + '.json') else {}
    print(f"{'':7}{'speed':>6} {'packets/s':>10} {'CPU of a core':>14} {'user':>6} {'sys':>6} {'peak MiB':>9} {'dropped':>8} {'unseen':>7} {'overrun':>8} {'whole calls':>12} {'late ms':>8}")
    worst = 0
    for speed, serve in [(speed, serve) for speed in A.speeds for serve in ([False, True] if A.serve else [False])]:
        sent, got, used, said = one(speed, serve)
        unseen = sent['frames'] - got['packets'] - got['kernel_drops']
        lost = got['kernel_drops'] or unseen > 0 or got['recorder_overrun_bytes']
        cpu = used.ru_utime + used.ru_stime
        print(f"{'serve' if serve else 'record':7}{speed:6g} {sent['frames'] / sent['seconds']:10,.0f} {cpu / sent['seconds']:14.1%} {used.ru_utime:6.2f} {used.ru_stime:6.2f} {used.ru_maxrss / 1024:9.0f} {got['kernel_drops']:8} "
              f"{unseen:7} {got['recorder_overrun_bytes']:8} {got['ledger']['recorded']:6} of {fed.get('calls', got['calls']):>3} {sent['late_ms']:8.0f}", flush=True)
        for line in said[:5]: print('       ' + line.rstrip())
        if serve: print(f'       the server on: {cpu / sent["seconds"] / alone:.2f} times the CPU of recording alone')
        alone = cpu / sent['seconds']
        if speed <= 1 and lost: worst = 1
    sys.exit(worst)


P = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
P.add_argument('--amethyst', required=True); P.add_argument('--replay', required=True); P.add_argument('--pcap', required=True); P.add_argument('--work', required=True)
P.add_argument('--speeds', type=float, nargs='+', default=[1.0]); P.add_argument('--recorder-core', type=int, default=1); P.add_argument('--sender-core', type=int, default=0)
P.add_argument('--one-core', action='store_true', help="the kernel's part of receiving runs on the recorder's core, too")
P.add_argument('--serve', action='store_true', help='record with the server on as well, and compare')
A = P.parse_args()
if os.geteuid() != 0: sys.exit('skipped: live needs root for its network namespaces')
shutil.rmtree(os.path.join(A.work, 'live'), ignore_errors=True)
os.makedirs(os.path.join(A.work, 'live'))
A_NS, B = f'amx-send-{os.getpid()}', f'amx-rec-{os.getpid()}'
signal.signal(signal.SIGTERM, lambda *_: sys.exit('ended'))  # the namespaces go all the same
try:
    ip(f'netns add {A_NS}'); ip(f'netns add {B}')
    ip(f'-n {A_NS} link add va type veth peer name vb netns {B}')
    for ns, end in ((A_NS, 'va'), (B, 'vb')):
        ip(f'-n {ns} link set {end} addrgenmode none')  # no router solicitations among the calls
        ip(f'-n {ns} link set {end} up')
    ip(f'-n {B} link set lo up')
    if A.one_core:
        steer = f'echo {1 << A.recorder_core:x} > /sys/class/net/vb/queues/rx-0/rps_cpus'
        subprocess.run(['ip', 'netns', 'exec', B, 'sh', '-c', steer], check=True)
    main()
finally:
    shutil.rmtree(os.path.join(A.work, 'live'), ignore_errors=True)  # at the end: removed files would slow the next run down
    for name in (A_NS, B): subprocess.run(['ip', 'netns', 'del', name], stderr=subprocess.DEVNULL)
