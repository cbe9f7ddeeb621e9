#!/usr/bin/python3
"""genpcap.py - make a pcap of many concurrent G.711 calls with SIP signalling whose audio is known
sample for sample, and check a recorder's output against it.

  genpcap.py gen    OUT.pcap [--calls 1000] [--secs 60] [--law u|a|mix] [--stagger 1.0] [--loss P] [--dup P]
                    [--reorder P] [--vlan ID] [--seed 1] [--tone] [--noise AMP]
  genpcap.py expect OUT.pcap --call K [--dir 0|1] -o X.wav     the exact expected samples of one direction
  genpcap.py verify OUT.pcap --files 'GLOB' [--regex RE] [--min 1.0]  check WAV files written by a recorder
OUT.pcap.json holds the parameters, so that expect/verify need nothing else (same espeak-ng voice data or --tone).
RE's group 1 (or groups) must give the call number from the file name; default: call(\\d{6}) | 1(\\d{6}).
"""
import sys, os, json, argparse, shutil, struct, subprocess, wave, re, glob, hashlib
try:
    import numpy as np
except ImportError:
    sys.exit('genpcap.py needs numpy for /usr/bin/python3: apt-get install python3-numpy')

RATE, PT = 8000, 160
TEXT = ("the quick brown fox jumps over the lazy dog while seven wizards judge my box of quartz. "
        "this call is recorded for training and quality. please hold the line, an agent will answer shortly.")
DIG = "zero one two three four five six seven eight nine".split()

def ulaw_tables():
    u = np.arange(256, dtype=np.int32) ^ 0xFF
    t = (((u & 0x0F) << 3) + 0x84) << ((u & 0x70) >> 4)
    d = np.where(u & 0x80, 0x84 - t, t - 0x84)
    a = np.arange(256, dtype=np.int32) ^ 0x55
    seg = (a & 0x70) >> 4; t = (a & 0x0F) << 4
    t = np.where(seg == 0, t + 8, np.where(seg == 1, t + 0x108, (t + 0x108) << np.maximum(seg - 1, 0)))
    return d.astype(np.int16), np.where(a & 0x80, t, -t).astype(np.int16)
UD, AD = ulaw_tables()

def enc(pcm, law):                       # nearest code word: exact inverse of the decode table
    tab = UD if law == 'u' else AD
    order = np.argsort(tab, kind='stable'); v = tab[order].astype(np.int32)
    mid = (v[1:] + v[:-1]) // 2
    return order[np.searchsorted(mid, pcm.astype(np.int32), side='right')].astype(np.uint8)

def say(text, voice, speed=160):
    if not shutil.which('espeak-ng'):
        sys.exit('genpcap.py speaks with espeak-ng: apt-get install espeak-ng, or use --tone')
    p = subprocess.run(['espeak-ng', '-v', voice, '-s', str(speed), '--stdout', text], capture_output=True, check=True).stdout
    i = p.find(b'data') + 8
    rate = struct.unpack('<I', p[24:28])[0]
    x = np.frombuffer(p[i:i + (len(p) - i) // 2 * 2], '<i2').astype(np.float64)
    n = int(len(x) * RATE / rate)
    X = np.fft.rfft(x); k = n // 2 + 1
    Y = np.zeros(k, complex); m = min(k, len(X)); Y[:m] = X[:m]
    y = np.fft.irfft(Y, n) * n / len(x)
    return np.clip(y * 0.8, -32000, 32000).astype(np.int16)

class Corpus:
    def __init__(s, tone=False, noise=0):
        s.base, s.dig, s.noise = [], [], noise
        for d, voice in ((0, 'en-us'), (1, 'en-gb+f3')):
            if tone:
                rng = np.random.default_rng(7 + d)
                s.base.append((rng.standard_normal(16 * RATE).cumsum() % 16000 - 8000).astype(np.int16))
                t = np.arange(RATE // 4)
                s.dig.append([(9000 * np.sin(2 * np.pi * (400 + 90 * i + 37 * d) * t / RATE)).astype(np.int16) for i in range(10)] + [np.zeros(RATE // 2, np.int16)])
            else:
                s.base.append(say(TEXT, voice))
                s.dig.append([say(w, voice, 220) for w in DIG] + [say('call number' if d == 0 else 'answering call', voice)])
    def payload(s, k, d, n, law):
        """n samples of direction d of call k as G.711 bytes: spoken call number, then a rotated reading"""
        b = s.base[d]
        head = np.concatenate([s.dig[d][10]] + [s.dig[d][int(c)] for c in f'{k:06d}'.lstrip('0') or '0'])
        off = (k * 7919 + d * 4421) % len(b)
        need = max(0, n - len(head))
        body = np.resize(np.roll(b, -off), need) if need else b[:0]
        x = np.concatenate([head, body])[:n]
        if s.noise:                          # per-call noise: without it the loops make archives deduplicate unrealistically
            r = np.random.default_rng((77, k, d)).integers(-s.noise, s.noise + 1, n, dtype=np.int16)
            x = np.clip(x.astype(np.int32) + r, -32768, 32767)
        return enc(x, law)

def law_of(P, k): return P['law'] if P['law'] in 'ua' else 'ua'[k & 1]

def addr(k): return bytes([10, 1 + (k >> 16), (k >> 8) & 255, k & 255]), bytes([198, 18, 0, 1 + k // 20000])
def ports(k): return 20000, 10000 + 2 * (k % 20000)
def ipstr(b): return '.'.join(map(str, b))

def cks(h):
    s = sum(struct.unpack('!10H', h)); s = (s & 0xffff) + (s >> 16); s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff

def udp_frame(src, dst, sp, dp, body, vlan=None, csum=False):
    m0, m1 = (b'\x02\x00' + src, b'\x02\x00' + dst)
    eth = m1 + m0 + (struct.pack('!HH', 0x8100, vlan) if vlan else b'') + b'\x08\x00'
    ip = struct.pack('!BBHHHBBH', 0x45, 0, 28 + len(body), 0, 0x4000, 64, 17, 0) + src + dst
    ip = ip[:10] + struct.pack('!H', cks(ip)) + ip[12:]
    return eth + ip + struct.pack('!HHHH', sp, dp, 8 + len(body), 0) + body

def sip(P, k):
    a, b = map(ipstr, addr(k)); pa, pb = ports(k)
    pt, nm = (0, 'PCMU') if law_of(P, k) == 'u' else (8, 'PCMA')
    cid = f'call{k:06d}@genpcap'; fr = f'<sip:1{k:06d}@{a}>;tag=a{k}'; to0 = f'<sip:2{k:06d}@{b}>'; to = f'{to0};tag=b{k}'
    def sdp(ip, port): return (f'v=0\r\no=- {k} 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP {pt} 101\r\n'
        f'a=rtpmap:{pt} {nm}/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n')
    def msg(first, tohdr, cseq, body='', contact='', br='1'):
        h = (f'{first}\r\nVia: SIP/2.0/UDP {a}:5060;branch=z9hG4bK{k}-{br}\r\nMax-Forwards: 70\r\nFrom: {fr}\r\nTo: {tohdr}\r\n'
             f'Call-ID: {cid}\r\nCSeq: {cseq}\r\n' + (f'Contact: <sip:{contact}:5060>\r\n' if contact else '') +
             ('Content-Type: application/sdp\r\n' if body else '') + f'Content-Length: {len(body)}\r\n\r\n{body}')
        return h.encode()
    ua = f'sip:2{k:06d}@{b}'
    return [  # (ticks after call start, direction, message); -n means n ticks after the end of media
        (0, 0, msg(f'INVITE {ua} SIP/2.0', to0, '1 INVITE', sdp(a, pa), a)),
        (1, 1, msg('SIP/2.0 100 Trying', to0, '1 INVITE')),
        (2, 1, msg('SIP/2.0 180 Ringing', to, '1 INVITE', '', b)),
        (25, 1, msg('SIP/2.0 200 OK', to, '1 INVITE', sdp(b, pb), b)),
        (26, 0, msg(f'ACK {ua} SIP/2.0', to, '1 ACK', br='2')),
        (-1, 0, msg(f'BYE {ua} SIP/2.0', to, '2 BYE', br='3')),
        (-2, 1, msg('SIP/2.0 200 OK', to, '2 BYE', br='3'))]

def gen(P, out):
    N, nt = P['calls'], int(P['secs'] * 50)
    rng = np.random.default_rng(P['seed']); C = Corpus(P['tone'], P.get('noise', 0))
    start = (np.arange(N) * P['stagger'] * 50 / max(N, 1)).astype(int)
    ev = {}
    for k in range(N):
        a, b = addr(k)
        for t, d, m in sip(P, k):
            tick = start[k] + (t if t >= 0 else 26 + nt - t - 1)
            ev.setdefault(tick, []).append(udp_frame(*((a, b, 5060, 5060) if d == 0 else (b, a, 5060, 5060)), m, P['vlan']))
    S = 2 * N; hl = 14 + (4 if P['vlan'] else 0); fl = hl + 40 + PT; rec = np.zeros((S, 16 + fl), np.uint8)
    pay = np.empty((S, nt * PT), np.uint8); seq0 = np.empty(S, np.int64); ts0 = np.empty(S, np.int64)
    for k in range(N):
        a, b = addr(k); pa, pb = ports(k); law = law_of(P, k)
        for d in (0, 1):
            s = 2 * k + d
            seq0[s] = (k * 977 + d * 31000) & 0xffff; ts0[s] = (k * 104729 + d * 99991) & 0xffffffff
            rtp = struct.pack('!BBHII', 0x80, 0 if law == 'u' else 8, 0, 0, 0x10000000 + s)
            f = udp_frame(*((a, b, pa, pb) if d == 0 else (b, a, pb, pa)), rtp + bytes(PT), P['vlan'])
            rec[s, 16:] = np.frombuffer(f, np.uint8); pay[s] = C.payload(k, d, nt * PT, law)
    rec[:, 8:16] = np.frombuffer(struct.pack('<II', fl, fl), np.uint8)
    phase = (np.arange(S) * 19000 // max(S, 1)) + 500        # microseconds inside the 20 ms tick
    T0 = 1_700_000_000; npk = drop = dupn = reo = 0
    rs = start.repeat(2) + 26; ro = 16 + hl + 28
    held = None
    with open(out, 'wb', buffering=1 << 22) as o:
        o.write(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for tick in range(int(start.max()) + 26 + nt + 4):
            for i, f in enumerate(ev.get(tick, ())):
                us = tick * 20000 + min(i, 499)
                o.write(struct.pack('<IIII', T0 + us // 1000000, us % 1000000, len(f), len(f)) + f); npk += 1
            i = tick - rs; act = np.flatnonzero((i >= 0) & (i < nt))
            if not len(act): continue
            j = i[act]; R = rec[act]
            us = tick * 20000 + phase[act]
            R[:, 0:4] = (T0 + us // 1000000).astype('<u4').view(np.uint8).reshape(-1, 4)
            R[:, 4:8] = (us % 1000000).astype('<u4').view(np.uint8).reshape(-1, 4)
            R[:, ro + 2:ro + 4] = ((seq0[act] + j) & 0xffff).astype('>u2').view(np.uint8).reshape(-1, 2)
            R[:, ro + 4:ro + 8] = ((ts0[act] + j * PT) & 0xffffffff).astype('>u4').view(np.uint8).reshape(-1, 4)
            R[:, ro + 1] = (R[:, ro + 1] & 0x7f) | np.where(j == 0, 0x80, 0).astype(np.uint8)
            R[:, ro + 12:] = pay.reshape(S, nt, PT)[act, j]
            if P['loss'] or P['dup'] or P['reorder']:
                u = rng.random(len(R)); v = rng.random(len(R))
                rep = np.ones(len(R), int); rep[u < P['loss']] = 0; rep[(u >= P['loss']) & (u < P['loss'] + P['dup'])] = 2
                drop += int((rep == 0).sum()); dupn += int((rep == 2).sum())
                late = (v < P['reorder']) & (rep == 1)      # these come one tick later, after their successor
                R2 = np.repeat(R[~late], rep[~late], axis=0)
                o.write(R2.tobytes()); npk += len(R2)
                if held is not None and len(held):
                    held[:, 0:8] = R[-1, 0:8]; o.write(held.tobytes()); npk += len(held)
                held = R[late].copy(); reo += len(held)
            else:
                o.write(R.tobytes()); npk += len(R)
        if held is not None and len(held): o.write(held.tobytes()); npk += len(held)
    P.update(packets=npk, dropped=drop, duplicated=dupn, reordered=reo, bytes=os.path.getsize(out))
    P['corpus_sha256'] = hashlib.sha256(b''.join(x.tobytes() for x in C.base + C.dig[0] + C.dig[1])).hexdigest()
    json.dump(P, open(out + '.json', 'w'), indent=1); print(json.dumps(P))

def pcm_of(P, C, k, d):
    law = law_of(P, k); return (UD if law == 'u' else AD)[C.payload(k, d, int(P['secs'] * 50) * PT, law)]

def readwav(f):
    b = open(f, 'rb').read(); i = 12; fmt = None; data = b''
    while i + 8 <= len(b):
        t, n = b[i:i+4], struct.unpack('<I', b[i+4:i+8])[0]
        if t == b'fmt ': fmt = struct.unpack('<HHIIHH', b[i+8:i+24])
        if t == b'data': data = b[i+8:i+8+n] if n and i + 8 + n <= len(b) else b[i+8:]; break
        i += 8 + n + (n & 1)
    tag, ch, rate = fmt[0], fmt[1], fmt[2]
    x = np.frombuffer(data, np.uint8)
    if tag == 7: x = UD[x]
    elif tag == 6: x = AD[x]
    else: x = np.frombuffer(data[:len(data) // 2 * 2], '<i2')
    return x[:len(x) // ch * ch].reshape(-1, ch), rate

def align(got, exp):
    """share of exp that is found, sample-exact, in got (one constant shift); and that shift"""
    best = (0.0, None); L = 480
    for at in (len(exp) // 2, len(exp) // 4, len(exp) * 3 // 4, 4000):
        probe = exp[at:at + L].tobytes(); gb = got.tobytes(); p = gb.find(probe)
        while p >= 0 and p % 2: p = gb.find(probe, p + 1)
        if p < 0: continue
        sh = p // 2 - at; a = max(0, -sh); b = min(len(exp), len(got) - sh)
        ok = int((exp[a:b] == got[a + sh:b + sh]).sum()) / len(exp)
        if ok > best[0]: best = (ok, sh)
        if ok > 0.999: break
    return best

def verify(P, files, rx, mn):
    C = Corpus(P['tone'], P.get('noise', 0)); seen = {}; bad = []
    for f in sorted(files):
        m = re.search(rx, f); k = int(next(g for g in m.groups() if g)) if m else -1
        if k < 0 or k >= P['calls']: bad.append((f, 'no call number in the name')); continue
        try: x, rate = readwav(f)
        except Exception as e: bad.append((f, repr(e))); continue
        e = [pcm_of(P, C, k, d) for d in (0, 1)]; r = {}
        for c in range(x.shape[1]):
            g = np.ascontiguousarray(x[:, c])
            for d in (0, 1):
                ok, sh = align(g, e[d])
                if ok > r.get(d, (0,))[0]: r[d] = (ok, sh, c)
            if x.shape[1] == 1:
                s = e[0].astype(np.int32) + e[1]
                for nm, mix in (('sum', np.clip(s, -32768, 32767)), ('half', s >> 1), ('half0', (s / 2).astype(np.int32))):
                    ok, sh = align(g, mix.astype(np.int16))
                    if ok > r.get('mix', (0,))[0]: r['mix'] = (ok, sh, nm)
        best = max(r.values(), key=lambda t: t[0])[0] if r else 0
        both = (r[0][0] >= mn and r[1][0] >= mn) if (0 in r and 1 in r) else r.get('mix', (0,))[0] >= mn
        seen.setdefault(k, []).append((both, best, r))
    n = P['calls']; ok = sum(any(t[0] for t in v) for v in seen.values())
    print(json.dumps(dict(calls=n, calls_with_a_file=len(seen), both_directions_exact=ok, unusable_files=len(bad),
        exact_share_median=float(np.median([max(t[1] for t in v) for v in seen.values()])) if seen else 0)))
    for k in sorted(seen)[:3]: print(' call', k, seen[k])
    for b in bad[:3]: print(' bad', b)
    return 0 if ok == n else 1

def main():
    A = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    A.add_argument('cmd', choices=['gen', 'expect', 'verify']); A.add_argument('pcap')
    A.add_argument('--calls', type=int, default=1000); A.add_argument('--secs', type=float, default=60)
    A.add_argument('--law', default='u', choices=['u', 'a', 'mix']); A.add_argument('--stagger', type=float, default=1.0)
    for n in ('loss', 'dup', 'reorder'): A.add_argument('--' + n, type=float, default=0)
    A.add_argument('--vlan', type=int); A.add_argument('--seed', type=int, default=1); A.add_argument('--tone', action='store_true'); A.add_argument('--noise', type=int, default=0)
    A.add_argument('--call', type=int); A.add_argument('--dir', type=int, default=0); A.add_argument('-o')
    A.add_argument('--files'); A.add_argument('--min', type=float, default=1.0); A.add_argument('--regex', default=r'call(\d{6})|(?<!\d)1(\d{6})(?!\d)')
    a = A.parse_args()
    if a.cmd == 'gen':
        gen({k: getattr(a, k) for k in ('calls', 'secs', 'law', 'stagger', 'loss', 'dup', 'reorder', 'vlan', 'seed', 'tone', 'noise')}, a.pcap); return
    if not os.path.exists(a.pcap + '.json'):
        sys.exit(f'{a.pcap}.json is missing: it is written by `genpcap.py gen {a.pcap}` and says what was fed')
    P = json.load(open(a.pcap + '.json'))
    if a.cmd == 'expect':
        w = wave.open(a.o, 'wb'); w.setparams((1, 2, RATE, 0, 'NONE', '')); w.writeframes(pcm_of(P, Corpus(P['tone'], P.get('noise', 0)), a.call, a.dir).tobytes()); return
    if not a.files: sys.exit("verify wants --files 'GLOB': the WAV files to judge")
    sys.exit(verify(P, glob.glob(a.files, recursive=True), a.regex, a.min))

if __name__ == '__main__':
    main()
