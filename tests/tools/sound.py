#!/usr/bin/python3
"""sound.py - how quickly `amethyst serve` gives sound: seeks, playback, live listening. Prints a table; ends with 1 if a promise is broken.

Makes a call of some hours through the whole pipeline (a capture file, `amethyst record`), starts the real server on it, signs in
by the one-time link as a browser would, and then
  seeks     asks for the rest of the file from random places, each over a connection of its own that was open before, and measures
            from the request to the first octet of sound;
  playback  has some players fetch four seconds every four seconds, from places that fit no block, and downloads the whole once;
            what the server's process used of the processor is divided by the length of what was played;
  live      sends a call with tone bursts over a virtual wire (veth) while a WebSocket listens, measures from the packet with the
            burst's first sample on the wire to the message with that sample, and plays what arrived through the console's own
            AudioWorklet (ear.mjs) to know when it would leave it; what the sound card adds to that is not in it;
  listeners listens to fifty calls at once, each its own, and tells what that costs above recording them.
Needs root for live and listeners (else they are left out), python3-numpy for the captures, node for ear.mjs.
"""
import argparse, base64, http.client, json, math, os, random, re, shutil, signal, socket, ssl, statistics, struct, subprocess, sys, threading, time

HERE = os.path.dirname(os.path.abspath(__file__))
PASSWORD = 'correct horse, battery staple'
BURST_S, BURST_EVERY_S = 0.1, 1.37


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, math.ceil(share * len(values)) - 1)]


def quiet(command, **more):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)
    if done.returncode: sys.exit(f"sound: {' '.join(command)} ended with {done.returncode}:\n{done.stdout[-3000:]}")
    return done.stdout


def capture(calls, secs):
    """A capture of so many calls, made once."""
    file = os.path.join(A.work, f'sound-{calls}x{secs:g}.pcap')
    if not os.path.exists(file + '.json'):
        print(f'making {file} (once)', file=sys.stderr)
        quiet(['/usr/bin/python3', f'{HERE}/genpcap.py', 'gen', file, '--calls', str(calls), '--secs', str(secs), '--tone'])
    return file


class Server:
    """A running server and somebody who is signed in."""

    def __init__(self, data):
        self.log = os.path.join(A.work, 'sound-serve.log')
        self.child = subprocess.Popen([A.amethyst, 'serve', '--data', data, '--listen', '127.0.0.1:0'], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(self.log, 'w'))
        until = time.monotonic() + 60
        while not (link := re.search(r'https://127\.0\.0\.1:(\d+)(/\S*#\S+|/\S*[=/]\S+)$', self.said(), re.M)):
            if self.child.poll() is not None or time.monotonic() > until: sys.exit(self.said())
            time.sleep(0.05)
        self.port = int(link[1])
        self.tls = ssl.create_default_context(cafile=os.path.join(data, 'site/tls.pem'))
        self.tls.check_hostname = False
        self.cookie = self.csrf = None
        self.ask('POST', '/api/v1/sign-in/link', {'token': re.split(r'[=/#]', link[2])[-1]})
        self.ask('POST', '/api/v1/sign-in/password', {'password': PASSWORD})
        self.csrf = self.ask('GET', '/api/v1/me')['csrf']

    def said(self):
        return open(self.log).read()

    def connect(self):
        line = http.client.HTTPSConnection('127.0.0.1', self.port, context=self.tls, timeout=60)
        line.connect()
        line.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return line

    def headers(self, **more):
        known = {'host': f'localhost:{self.port}', 'cookie': self.cookie, 'x-csrf-token': self.csrf, **more}
        return {name: value for name, value in known.items() if value}

    def ask(self, method, path, body=None):
        line = self.connect()
        more = {'content-type': 'application/json'} if body is not None else {}
        line.request(method, path, json.dumps(body) if body is not None else None, self.headers(**more))
        answer = line.getresponse()
        octets = answer.read()
        if answer.status >= 300: sys.exit(f'sound: {method} {path}: {answer.status} {octets[:500]}')
        if cookie := answer.getheader('set-cookie'): self.cookie = cookie.split(';')[0]
        line.close()
        return json.loads(octets) if octets else None

    def socket(self, path):
        """A WebSocket, upgraded: the raw line, and what came with the answer."""
        line = self.connect().sock
        head = self.headers(upgrade='websocket', connection='Upgrade', origin=f'https://localhost:{self.port}')
        head.update({'sec-websocket-version': '13', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ=='})
        line.sendall((f'GET {path} HTTP/1.1\r\n' + ''.join(f'{n}: {v}\r\n' for n, v in head.items()) + '\r\n').encode())
        got = b''
        while b'\r\n\r\n' not in got:
            more = line.recv(65536)
            if not more: raise OSError(got)
            got += more
        first, rest = got.split(b'\r\n\r\n', 1)
        if b' 101 ' not in first.split(b'\r\n')[0]: raise OSError(first.split(b'\r\n')[0])
        return line, rest

    def board(self):
        """The first board that has calls to listen to."""
        line = self.connect()
        line.request('GET', '/api/v1/live', headers=self.headers())
        answer = line.getresponse()
        while text := answer.readline():
            if not text.startswith(b'data:'): continue
            ids = [one['recording_id'] for one in json.loads(text[5:])['lines'] if one['listenable'] and one['recording_id']]
            if len(ids) >= self.wanted: break
        line.close()
        return ids

    def cpu(self):
        """Seconds of the processor that the process has used."""
        words = open(f'/proc/{self.child.pid}/stat').read().rsplit(')', 1)[1].split()
        return (int(words[11]) + int(words[12])) / os.sysconf('SC_CLK_TCK')

    def end(self):
        self.child.send_signal(signal.SIGTERM)
        self.child.wait(60)


def messages(line, rest):
    """Messages of a WebSocket: kind and octets."""
    buf = bytearray(rest)
    while True:
        while len(buf) >= 2:
            n, at = buf[1] & 127, 2
            if n == 126:
                if len(buf) < 4: break
                n, at = struct.unpack('>H', buf[2:4])[0], 4
            if len(buf) < at + n: break
            yield buf[0] & 15, bytes(buf[at:at + n])
            del buf[:at + n]
        more = line.recv(65536)
        if not more: return
        buf += more


# - seeks and playback

def seeks(server, path, length, n):
    dice, took = random.Random(1), []
    for _ in range(n):
        place, line = dice.randrange(44, length - 400_000), server.connect()
        began = time.perf_counter()
        line.request('GET', path, headers=server.headers(range=f'bytes={place}-'))
        answer = line.getresponse()
        first = answer.read(1)
        took.append((time.perf_counter() - began) * 1000)
        if answer.status != 206 or len(first) != 1: sys.exit(f'sound: a seek answered {answer.status}')
        line.close()
    return took


def players(server, path, length, n, seconds):
    """Share of a core that one player takes of the server while n of them play at their own pace."""
    def play(number):
        line, at = server.connect(), random.Random(number).randrange(44, length - seconds * 32_000 - 200_000)
        time.sleep(4 * number / n)
        for turn in range(seconds // 4):
            began = time.monotonic()
            line.request('GET', path, headers=server.headers(range=f'bytes={at}-{at + 127_999}'))
            at += len(line.getresponse().read())
            time.sleep(max(0, 4 - (time.monotonic() - began)))
        line.close()
    before = server.cpu()
    all_of_them = [threading.Thread(target=play, args=(number,)) for number in range(n)]
    for one in all_of_them: one.start()
    for one in all_of_them: one.join()
    return (server.cpu() - before) / (n * seconds)


def download(server, path, seconds):
    """Share of a core for one second of sound a second, by the whole file at once; and how fast that was."""
    line, before, began, octets = server.connect(), server.cpu(), time.monotonic(), 0
    line.request('GET', path, headers=server.headers())
    answer = line.getresponse()
    while some := answer.read(1 << 20): octets += len(some)
    line.close()
    return (server.cpu() - before) / seconds, seconds / (time.monotonic() - began), octets


# - live

def tone_call(interface, seconds, told):
    """Sends a call of G.711 with bursts of a tone on the caller's side; tells when the first packet of each burst was sent."""
    sys.path.insert(0, HERE)
    import genpcap
    line = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    line.bind((interface, 0))
    params = dict(law='u', vlan=None)
    k, (a, b), (pa, pb) = 4711, genpcap.addr(4711), genpcap.ports(4711)
    said = genpcap.sip(params, k)
    frame = lambda d, body, sp, dp: genpcap.udp_frame(*((a, b, sp, dp) if d == 0 else (b, a, dp, sp)), body)
    say = lambda t: [line.send(genpcap.udp_frame(*((a, b) if d == 0 else (b, a)), 5060, 5060, m)) for at, d, m in said if (at < 0) == (t < 0)]
    say(0)
    rate, tone = 8000, [int(12000 * math.sin(2 * math.pi * 1000 * i / 8000)) for i in range(160)]
    loud = bytes(genpcap.enc(genpcap.np.array(tone, dtype=genpcap.np.int16), 'u'))
    still, began, was = b'\xff' * 160, time.monotonic(), False
    for n in range(int(seconds * 50)):
        at = began + n / 50
        time.sleep(max(0, at - time.monotonic()))
        is_loud = n * 0.02 > 3 and (n * 0.02) % BURST_EVERY_S < BURST_S
        head = lambda d: struct.pack('!BBHII', 0x80, 0x80 if n == 0 else 0, n & 0xffff, n * 160, 0x1234 + d)
        if is_loud and not was: told.append(time.monotonic())
        was = is_loud
        line.send(frame(0, head(0) + (loud if is_loud else still), pa, pb))
        line.send(frame(1, head(1) + still, pa, pb))
    say(-1)


def live(server, interface, seconds):
    """Delays of bursts in seconds: to the WebSocket, and out of the worklet."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        told = []
        try: tone_call(interface, seconds, told)
        finally:
            os.write(write, json.dumps(told).encode())
            os._exit(0)
    os.close(write)
    server.wanted = 1
    line, rest = server.socket(f'/api/v1/live/{server.board()[0]}/audio')
    heard, pieces, head, was_loud_at, losses = [], [], None, -1.0, []
    for kind, octets in messages(line, rest):
        now = time.monotonic()
        if kind == 1:
            word = json.loads(octets)
            if 'rate_hz' in word: head = word
            elif 'lost_ms' in word: losses.append(word)
            elif 'end' in word: break
        if kind != 2: continue
        pieces.append((now, octets))
        near = struct.unpack(f'<{len(octets) // 2}h', octets)[::2]
        if any(abs(sample) > 4000 for sample in near):
            if now - was_loud_at > BURST_EVERY_S / 2: heard.append(now)
            was_loud_at = now
    line.close()
    sent = json.loads(os.read(read, 1 << 20))
    os.waitpid(child, 0)
    began = pieces[0][0]
    trace = dict(rate_hz=head['rate_hz'], channels=head['channels'], pieces=[[at - began, base64.b64encode(octets).decode()] for at, octets in pieces])
    try:
        ear = subprocess.run(['node', f'{HERE}/ear.mjs'], input=json.dumps(trace), stdout=subprocess.PIPE, text=True, check=True)
        ear = json.loads(ear.stdout)
    except (OSError, subprocess.CalledProcessError) as why:
        print(f'       the worklet could not be asked: {why}')
        ear = dict(heard=[], underruns=0)
    after = lambda times: [min(t for t in times if t > at) - at for at in sent[1:-1] if any(at < t < at + 10 for t in times) and at > began + 2]
    return after(heard), after([began + t for t in ear['heard']]), ear['underruns'], losses, len(sent)


def crowd(server, ids, seconds):
    """Listens to every call, in a process of its own; returns the octets of sound and the messages that were heard."""
    import selectors
    lines, sel = [server.socket(f'/api/v1/live/{one}/audio')[0] for one in ids], selectors.DefaultSelector()
    for line in lines:
        line.setblocking(False)
        sel.register(line, selectors.EVENT_READ)
    until, octets = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        for key, _ in sel.select(0.1):
            try:
                while some := key.fileobj.recv(65536): octets += len(some)
            except (ssl.SSLWantReadError, BlockingIOError): pass
    for line in lines: line.close()
    return octets


def listeners(server, interface, n):
    pcap = capture(n, 60)
    sender = subprocess.Popen([A.replay, pcap, interface, '1'], stdout=subprocess.DEVNULL)
    server.wanted = n
    ids = server.board()[:n]
    time.sleep(3)
    took = []
    for work in (lambda: time.sleep(15), lambda: crowd(server, ids, 3) and crowd_for(server, ids, 15)):
        before, began = server.cpu(), time.monotonic()
        got = work()
        took.append(((server.cpu() - before) / (time.monotonic() - began), got))
    sender.wait()
    return took


def crowd_for(server, ids, seconds):
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, str(crowd(server, ids, seconds)).encode())
        os._exit(0)
    os.close(write)
    got = int(os.read(read, 100))
    os.waitpid(child, 0)
    return got


def main():
    broken = []

    def row(what, figure, promise=None, kept=True):
        mark = '' if promise is None else f"   {'yes' if kept else 'NO '}  {promise}"
        print(f'{what:58} {figure:>24}{mark}', flush=True)
        if not kept: broken.append(what)

    data = os.path.join(A.work, 'sound-site')
    shutil.rmtree(data, ignore_errors=True)
    quiet([A.amethyst, 'init', '--data', data, '--site-name', 'bench', '--zone', 'Etc/UTC'])
    if not A.no_seeks: quiet([A.amethyst, 'record', '--data', data, '--pcap', capture(1, A.hours * 3600)])
    toml = os.path.join(data, 'amethyst.toml')
    text = open(toml).read().replace('totp = "required"', 'totp = "optional"')
    wire = os.geteuid() == 0 and not A.no_live
    ends = f'ams{os.getpid() % 100000}a', f'ams{os.getpid() % 100000}b'
    if wire:
        quiet(['ip', 'link', 'add', ends[0], 'type', 'veth', 'peer', 'name', ends[1]])
        for end in ends:
            quiet(['ip', 'link', 'set', end, 'addrgenmode', 'none'])
            quiet(['ip', 'link', 'set', end, 'up'])
        text += f'\n[[tap]]\nname = "bench"\ninterface = "{ends[1]}"\nside = "trunk"\n'
    open(toml, 'w').write(text)
    server = None
    try:
        print(f"load at the beginning: {open('/proc/loadavg').read().strip()}; {os.cpu_count()} cores")
        server = Server(data)
        if not A.no_seeks:
            found = server.ask('GET', '/api/v1/recordings')['recordings'][0]
            path, length = f"/api/v1/recordings/{found['id']}/audio", int(44 + A.hours * 3600 * 32_000)
            took = seeks(server, path, length, A.seeks)
            p95 = percentile(took, 0.95)
            row(f'seek in {A.hours:g} h, first octet: p50 / p95 / max, ms', f'{statistics.median(took):.1f} / {p95:.1f} / {max(took):.1f}', 'p95 under 20 ms', p95 < 20)
            share = players(server, path, length, 20, 20)
            row('one of 20 players at 1x, share of a core', f'{share:.2%}', 'under 1 %', share < 0.01)
            share, speed, octets = download(server, path, A.hours * 3600)
            row('whole download, share of a core for 1x', f'{share:.2%}', 'under 1 %', share < 0.01)
            row('whole download, times real time', f'{speed:,.0f}')
        if wire:
            time.sleep(1)
            socket_s, ear_s, underruns, losses, sent = live(server, ends[0], A.live)
            row(f'live, wire to WebSocket: p50 / p95 / max, ms ({len(socket_s)} bursts)', f'{1e3 * statistics.median(socket_s):.0f} / {1e3 * percentile(socket_s, 0.95):.0f} / {1e3 * max(socket_s):.0f}')
            if ear_s:
                row('live, wire to the end of the worklet: p50 / p95 / max, ms', f'{1e3 * statistics.median(ear_s):.0f} / {1e3 * percentile(ear_s, 0.95):.0f} / {1e3 * max(ear_s):.0f}', 'max under 500 ms', max(ear_s) < 0.5)
                row('live, times the worklet ran dry; losses told', f'{underruns}; {len(losses)}')
            (alone, _), (heard, octets) = listeners(server, ends[0], A.listeners)
            row(f'{A.listeners} calls recorded, share of a core', f'{alone:.1%}')
            row(f'{A.listeners} listeners on them: all / above recording', f'{heard:.1%} / {heard - alone:.1%}', 'under half a core', heard - alone < 0.5)
            row('sound that each of them got a second, kB', f'{octets / A.listeners / 15 / 1000:.1f}')
        print(f"load at the end: {open('/proc/loadavg').read().strip()}")
    finally:
        if server: server.end()
        if wire: subprocess.run(['ip', 'link', 'del', ends[0]])
        if not A.keep: shutil.rmtree(data, ignore_errors=True)
    said = [line for line in server.said().splitlines() if 'ALARM' in line]
    for line in said[:5]: print('       ' + line)
    if broken: sys.exit('broken: ' + '; '.join(broken))


P = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
P.add_argument('--amethyst', required=True); P.add_argument('--replay', required=True); P.add_argument('--work', required=True)
P.add_argument('--hours', type=float, default=4); P.add_argument('--seeks', type=int, default=200); P.add_argument('--live', type=float, default=40, help='seconds of the call with bursts')
P.add_argument('--listeners', type=int, default=50); P.add_argument('--no-live', action='store_true'); P.add_argument('--no-seeks', action='store_true'); P.add_argument('--keep', action='store_true')
A = P.parse_args()
os.makedirs(A.work, exist_ok=True)
main()
