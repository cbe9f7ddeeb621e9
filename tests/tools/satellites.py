#!/usr/bin/python3
"""satellites.py - what satellites cost, how late the central has their calls, and how quickly a backlog is carried over.

Four satellites, each in a network namespace with a tap of its own, record CALLS calls together and move them to one central
over TLS. Said are: the CPU of the central; that of a satellite beside `record` alone on the same calls; and the lag, from
the moment in which a frame was written at the satellite to the moment in which the central has it in its file, seen from
outside, by the sizes of the files. Then the central is away while the calls come faster, until BACKLOG GB wait; it comes
back, and the backlog is carried over while new calls go on. The yardstick is one stream of `openssl` over the same wire.
Needs root and the disk for twice the backlog.
"""
import argparse, json, os, re, shutil, signal, subprocess, sys, threading, time

TICK = os.sysconf('SC_CLK_TCK')


def ip(words): subprocess.run(['ip'] + words.split(), check=True)


def inside(ns, *words): return ['ip', 'netns', 'exec', ns, *words]


def cpu(pid):
    """CPU seconds of a process so far."""
    fields = open(f'/proc/{pid}/stat').read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def start(words, log, until):
    """Starts a program and waits for its word."""
    child = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=open(log, 'w'))
    while until not in open(log).read():
        if child.poll() is not None: sys.exit(open(log).read())
        time.sleep(0.05)
    return child


def end(child):
    child.send_signal(signal.SIGTERM)
    if child.wait() not in (0, 1): sys.exit(f'a program ended with {child.returncode}')


class Net:
    """The central's namespace, and for each satellite one of its own and one of its callers."""
    def __init__(self, n):
        self.tag = os.getpid()
        self.hub, self.names = f'amxh-{self.tag}', []
        self.add(self.hub)
        for i in range(1, n + 1):
            sat, calls = f'amxt{i}-{self.tag}', f'amxc{i}-{self.tag}'
            self.add(sat); self.add(calls)
            ip(f'-n {self.hub} link add h{i} type veth peer name line netns {sat}')
            ip(f'-n {sat} link add tap type veth peer name out netns {calls}')
            ip(f'-n {self.hub} addr add 10.79.{i}.1/24 dev h{i}'); ip(f'-n {sat} addr add 10.79.{i}.2/24 dev line')
            for ns, dev in ((self.hub, f'h{i}'), (sat, 'line'), (sat, 'tap'), (calls, 'out')): ip(f'-n {ns} link set {dev} up')

    def add(self, name):
        ip(f'netns add {name}'); self.names.append(name)
        ip(f'-n {name} link set lo up')
        subprocess.run(inside(name, 'sysctl', '-qw', 'net.ipv6.conf.all.disable_ipv6=1', 'net.ipv6.conf.default.disable_ipv6=1'), check=False)

    def sat(self, i): return f'amxt{i}-{self.tag}'
    def calls(self, i): return f'amxc{i}-{self.tag}'

    def away(self):
        for name in self.names: subprocess.run(['ip', 'netns', 'del', name], stderr=subprocess.DEVNULL)


def sizes(folder, into):
    """name -> size of the parts below a folder; in a spool the hour stands before the name."""
    try: entries = list(os.scandir(folder))
    except FileNotFoundError: return
    for e in entries:
        if e.is_dir(): sizes(e.path, into)
        elif e.name.endswith('.amx'):
            try: into[e.name.rsplit('-')[-1]] = e.stat().st_size
            except FileNotFoundError: pass


class Lag(threading.Thread):
    """Looks at all files a few times a second."""
    def __init__(self, spools, central):
        super().__init__(daemon=True)
        self.spools, self.central, self.lags, self.done = spools, central, [], False

    def run(self):
        grown = {}                                     # name -> [(time, size)] of what the central has not been seen to have
        while not self.done:
            now, there, here = time.monotonic(), {}, {}
            for spool in self.spools: sizes(spool, here)
            sizes(self.central, there)                 # looked at later: never too kind to us by more than one look
            for name, size in here.items():
                steps = grown.setdefault(name, [])
                if not steps or steps[-1][1] < size: steps.append((now, size))
                have = there.get(name, 0)
                while steps and steps[0][1] <= have:
                    steps.pop(0)
                self.lags.append(now - steps[0][0] if steps else 0.0)
            time.sleep(max(0.0, A.look - (time.monotonic() - now)))


def at(values, share): return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else float('nan')


def replay_all(net, speed, only=None):
    return [subprocess.Popen(inside(net.calls(i), A.replay, A.pcap, 'out', str(speed)), stdout=subprocess.PIPE)
            for i in only or range(1, A.satellites + 1)]


def waiting(spools):
    found = {}
    for spool in spools: sizes(spool, found)
    return sum(found.values()), len(found)


def alone(net):
    """CPU of `record` by itself on the calls of one satellite.

    In a namespace of its own: a satellite that heard the same calls a moment ago takes their signalling for a late repetition.
    """
    own = A.satellites + 1
    site, log = os.path.join(RUNS, 'alone'), os.path.join(RUNS, 'alone.log')
    subprocess.run([A.amethyst, 'init', '--data', site, '--site-name', 'bench', '--zone', 'Etc/UTC'], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    recorder = start(inside(net.sat(own), A.amethyst, 'record', '--data', site, '--interface', 'tap'), log, 'recording on')
    before = cpu(recorder.pid)
    for sender in replay_all(net, 1, [own]): sender.wait()
    time.sleep(3)
    used = cpu(recorder.pid) - before
    end(recorder)
    return used


def ceiling(net):
    """Bytes a second that one stream of openssl carries from a satellite to the central."""
    key, pem = os.path.join(RUNS, 'key'), os.path.join(RUNS, 'pem')
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', pem, '-days', '2', '-subj', '/CN=x'], check=True, stderr=subprocess.DEVNULL)
    server = subprocess.Popen(inside(net.hub, 'openssl', 's_server', '-accept', '9443', '-key', key, '-cert', pem, '-quiet', '-tls1_3'), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    began, mib = time.monotonic(), 2048
    words = ' '.join(inside(net.sat(1), 'openssl', 's_client', '-connect', '10.79.1.1:9443', '-quiet', '-no_ign_eof', '-tls1_3'))
    subprocess.run(f'dd if=/dev/zero bs=1M count={mib} status=none | {words} >/dev/null 2>&1', shell=True, check=False)
    took = time.monotonic() - began
    server.kill(); server.wait()
    return mib * (1 << 20) / took


def main():
    fed = json.load(open(A.pcap + '.json'))
    net = Net(A.satellites + 1)
    children = []
    try:
        site, central_log = os.path.join(RUNS, 'central'), os.path.join(RUNS, 'central.log')
        subprocess.run([A.amethyst, 'init', '--data', site, '--site-name', 'bench', '--zone', 'Etc/UTC'], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        serve = inside(net.hub, A.amethyst, 'serve', '--data', site, '--listen', '0.0.0.0:8443')
        central = start(serve, central_log, 'the console is at'); children.append(central)
        sats, spools = [], []
        for i in range(1, A.satellites + 1):
            code = json.loads(subprocess.run([A.amethyst, 'satellite', 'invite', '--data', site, '--name', f's{i}', '--json'], check=True, stdout=subprocess.PIPE).stdout)['code']
            data = os.path.join(RUNS, f's{i}')
            subprocess.run(inside(net.sat(i), A.amethyst, 'satellite', 'enrol', '--central', f'https://10.79.{i}.1:8443', '--code', code, '--data', data, '--interface', 'tap', '--json'), check=True, stdout=subprocess.DEVNULL)
            sats.append(start(inside(net.sat(i), A.amethyst, 'satellite', 'run', '--data', data), data + '.log', 'connected to central'))
            spools.append(os.path.join(data, 'spool'))
        children += sats
        by_itself = alone(net)

        # Live: the calls, and a quarter of a minute for what follows them.
        pids, began = [central.pid] + [s.pid for s in sats], time.monotonic()
        before, lag = [cpu(p) for p in pids], Lag(spools, os.path.join(site, 'incoming'))
        lag.start()
        for sender in replay_all(net, 1): sender.wait()
        seconds = time.monotonic() - began
        lag.done = True
        lag.join()
        while waiting(spools)[1] and time.monotonic() - began < seconds + 120: time.sleep(0.1)
        used = [cpu(p) - b for p, b in zip(pids, before)]
        calls, overhead = fed['calls'] * A.satellites, sum(used[1:]) / A.satellites / by_itself - 1
        print(f'{calls} calls at {A.satellites} satellites for {seconds:.0f} s; all at the central {time.monotonic() - began - seconds:.1f} s after the last packet')
        print(f"central, share of a core                                {used[0] / seconds:8.1%}   {'yes' if used[0] / seconds < 0.6 else 'NO '}  under 60 %")
        print(f"a satellite above `record` alone ({by_itself:.2f} s of CPU)         {overhead:8.1%}   {'yes' if overhead < 0.15 else 'NO '}  under 15 %")
        print(f"lag, p50 / p99 / max, s                         {at(lag.lags, .5):6.2f} / {at(lag.lags, .99):.2f} / {max(lag.lags):.2f}   {'yes' if at(lag.lags, .99) < 3 else 'NO '}  p99 under 3 s")

        if A.backlog > 0: backlog(net, site, serve, central_log, central, sats, spools, children)
    finally:
        for child in children:
            if child.poll() is None: child.kill()
        net.away()


def backlog(net, site, serve, log, central, sats, spools, children):
    end(central)
    wanted = A.backlog * 1e9
    while waiting(spools)[0] < wanted:
        for sender in replay_all(net, A.speed): sender.wait()
    # Calls that were replayed before have no signalling that counts: their recordings end when nothing was heard for a minute.
    time.sleep(65)
    bytes_, parts = waiting(spools)
    print(f'{bytes_ / 1e9:.2f} GB in {parts} parts wait', flush=True)
    top = ceiling(net)
    os.sync()
    central = start(serve, log, 'the console is at'); children.append(central)
    senders, lag = replay_all(net, 1), Lag(spools, os.path.join(site, 'incoming'))
    began, before = time.monotonic(), [cpu(p.pid) for p in [central] + sats]
    fresh = {}
    for spool in spools: sizes(spool, fresh)
    old = set(fresh)
    lag.old = old
    while True:
        left = {}
        for spool in spools: sizes(spool, left)
        rest = sum(size for name, size in left.items() if name in old)
        if not rest or time.monotonic() - began > 1800: break
        time.sleep(0.2)
    took = time.monotonic() - began
    used = [cpu(p.pid) - b for p, b in zip([central] + sats, before)]
    for sender in senders: sender.terminate(); sender.wait()
    rate = (bytes_ - rest) / took
    print(f'backlog of {bytes_ / 1e9:.2f} GB in {parts} parts, carried over and receipted in {took:.1f} s beside {A.satellites} x live calls')
    print(f'    CPU of the central {used[0]:.1f} s ({used[0] / bytes_ * 1e9:.2f} s/GB), of the satellites {sum(used[1:]):.1f} s')
    print(f"    {rate / 1e6:,.0f} MB/s; openssl over the same wire {top / 1e6:,.0f} MB/s: {rate / top:8.1%}   {'yes' if rate >= 0.6 * top else 'NO '}  at least 60 %")


P = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
P.add_argument('--amethyst', required=True); P.add_argument('--replay', required=True); P.add_argument('--work', required=True)
P.add_argument('--satellites', type=int, default=4); P.add_argument('--calls', type=int, default=500); P.add_argument('--secs', type=float, default=60)
P.add_argument('--backlog', type=float, default=10, help='GB; 0: not'); P.add_argument('--speed', type=float, default=4, help='of the calls while the central is away')
P.add_argument('--look', type=float, default=0.2, help='seconds between two looks at the files')
A = P.parse_args()
if os.geteuid() != 0: sys.exit('skipped: satellites need root for their network namespaces')
RUNS = os.path.join(A.work, 'satellites')
shutil.rmtree(RUNS, ignore_errors=True)
os.makedirs(RUNS)
EACH = A.calls // A.satellites
A.pcap = os.path.join(A.work, f'calls-{EACH}x{A.secs:g}.pcap')
if not os.path.exists(A.pcap + '.json'):
    print(f'making {A.pcap} (once)', file=sys.stderr)
    subprocess.run(['/usr/bin/python3', os.path.join(os.path.dirname(os.path.abspath(__file__)), 'genpcap.py'), 'gen', A.pcap, '--calls', str(EACH), '--secs', str(A.secs)], check=True, stdout=subprocess.DEVNULL)
signal.signal(signal.SIGTERM, lambda *_: sys.exit('ended'))
try:
    main()
finally:
    shutil.rmtree(RUNS, ignore_errors=True)
