#!/usr/bin/env python3
"""Makes the seeds of the fuzz targets: a few inputs each that are good, so that mutation starts behind the front door.

Run it in this folder after a format or the shape of a target's input changed, and commit what it writes. All octets are
ours. Targets of formats that have golden files read those too (see scripts/fuzz.sh).
"""
import struct
from pathlib import Path

HERE = Path(__file__).parent


def seed(target, name, octets):
    folder = HERE / target
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(octets.encode() if isinstance(octets, str) else octets)


# - octets on a wire
def udp(payload, src=b'\x0a\0\0\1', dst=b'\x0a\0\0\2', sport=4000, dport=6000):
    head = struct.pack('>HHHH', sport, dport, 8 + len(payload), 0)
    return struct.pack('>BBHHHBBH', 0x45, 0, 28 + len(payload), 0, 0, 64, 17, 0) + src + dst + head + payload


def rtp(seq, ts, payload, pt=0, extension=b''):
    return struct.pack('>BBHII', 0x90 if extension else 0x80, pt, seq, ts, 0x1234) + extension + payload


def sdp(port, kinds='RTP/AVP 0 8 18 101', more='a=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\na=sendrecv\r\n'):
    return ('v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\n'
            f'm=audio {port} {kinds}\r\n{more}')


def sip(first, cseq, body='', to_tag='', more=''):
    kind = 'Content-Type: application/sdp\r\n' if body else ''
    return (f'{first}\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK{cseq.replace(" ", "")}\r\n'
            f'From: "A" <sip:3115@10.0.0.1;user=phone>;tag=a\r\nTo: <sip:0115550100@10.0.0.2>{to_tag}\r\n'
            f'Call-ID: one@x\r\nCSeq: {cseq}\r\nContact: <sip:x@10.0.0.1>\r\n{more}{kind}'
            f'Content-Length: {len(body)}\r\n\r\n{body}')


INVITE = sip('INVITE sip:0115550100@10.0.0.2 SIP/2.0', '1 INVITE', sdp(4000),
             more='P-Asserted-Identity: <tel:+27115550100>\r\nDiversion: <sip:200@x>;reason=no-answer\r\n')
ANSWER = sip('SIP/2.0 200 OK', '1 INVITE', sdp(6000), ';tag=b')
ACK = sip('ACK sip:0115550100@10.0.0.2 SIP/2.0', '1 ACK', to_tag=';tag=b')
HOLD = sip('INVITE sip:0115550100@10.0.0.2 SIP/2.0', '2 INVITE', sdp(4000, more='a=sendonly\r\n'), ';tag=b')
REFER = sip('REFER sip:0115550100@10.0.0.2 SIP/2.0', '3 REFER', to_tag=';tag=b',
            more='Refer-To: <sip:300@x?Replaces=two%40x%3Bto-tag%3Db>\r\nReplaces: two@x;to-tag=b;from-tag=a\r\n')
BYE = sip('BYE sip:0115550100@10.0.0.2 SIP/2.0', '4 BYE', to_tag=';tag=b')
for name, message in dict(invite=INVITE, answer=ANSWER, refer=REFER, bye=BYE).items():
    seed('sip_message', name, message)
boundary = ('--x\r\nContent-Type: application/sdp\r\n\r\n' + sdp(4000) + '\r\n--x\r\nContent-Type: text/plain\r\n\r\nhello\r\n--x--\r\n')
seed('sip_message', 'multipart', INVITE.split('\r\n\r\n')[0].replace('application/sdp', 'multipart/mixed;boundary=x') + '\r\n\r\n' + boundary)
seed('sip_message', 'short-forms', INVITE.replace('Via:', 'v:').replace('From:', 'f:').replace('To:', 't:').replace('Call-ID:', 'i:').replace('Contact:', 'm:'))
seed('sip_sdp', 'plain', sdp(4000))
seed('sip_sdp', 'keys', sdp(4000, 'RTP/SAVP 0', 'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoxMjM0|2^20|1:4\r\n'))
seed('sip_sdp', 'two-lines', sdp(4000, 'RTP/AVP 96 97', 'a=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1\r\na=rtpmap:97 AMR-WB/16000\r\n') + 'm=video 0 RTP/AVP 31\r\na=rtcp:4003 IN IP6 ::1\r\n')
# each message is led by time and way; a line `%` parts them
story = [(b'\0', b'\x12', INVITE), (b'\1', b'\x21', ANSWER), (b'\1', b'\x12', ACK), (b'\x20', b'\x12', HOLD), (b'\1', b'\x12', REFER), (b'\x40', b'\x12', BYE)]
seed('sip_calls', 'call', b'\n%\n'.join(t + w + m.encode() for t, w, m in story))
seed('sip_calls', 'cancelled', b'\n%\n'.join([b'\0\x12' + INVITE.encode(), b'\5\x12' + sip('CANCEL sip:0115550100@10.0.0.2 SIP/2.0', '1 CANCEL').encode(), b'\1\x21' + sip('SIP/2.0 487 Request Terminated', '1 INVITE', to_tag=';tag=b').encode()]))
stream = (INVITE + ANSWER).encode()
seed('sip_framer', 'pieces', b''.join(bytes([25]) + stream[at:at + 100] for at in range(0, len(stream), 100)))
seed('sip_framer', 'hole', bytes([250]) + INVITE.encode() + b'\xff' + bytes([10]) + BYE.encode()[:40])

# - RTP, RTCP, digits, SRTP
one = struct.pack('>BBH', 0xbe, 0xde, 1) + b'\x10\xaa\x00\x00'
two = struct.pack('>BBH', 0x10, 0x00, 1) + b'\x01\x02\xaa\xbb'
seed('rtp_packet', 'plain', rtp(1, 160, b'\xd5' * 160))
seed('rtp_packet', 'one-octet-elements', rtp(1, 160, b'\xd5' * 20, extension=one))
seed('rtp_packet', 'two-octet-elements', rtp(1, 160, b'\xd5' * 20, extension=two))
seed('rtp_packet', 'sources-and-padding', bytes([0xa2]) + rtp(1, 160, b'')[1:] + b'\0\0\0\1\0\0\0\2' + b'\xd5' * 8 + b'\0\0\0\4')
report = struct.pack('>IIIIII', 0x1234, 0x01000002, 9, 7, 1, 2)
sender = struct.pack('>BBHI', 0x81, 200, 12, 0x5678) + struct.pack('>QIII', 0xe0000000 << 32, 160, 5, 800) + report
names = struct.pack('>BBHI', 0x81, 202, 3, 0x5678) + b'\x01\x05a@b.c\0'
bye = struct.pack('>BBHI', 0x81, 203, 1, 0x5678)
seed('rtcp_compound', 'sender', sender + names + bye)
seed('rtcp_compound', 'receiver', struct.pack('>BBHI', 0x81, 201, 7, 0x5678) + report)
digit = b''.join(struct.pack('>IBBH', 1000, 5, 10 | (0x80 if n > 3 else 0), 160 * n) for n in range(1, 7))
seed('rtp_dtmf', 'digit', digit + digit.replace(struct.pack('>I', 1000), struct.pack('>I', 9001)))
for suite in range(4):
    seed('srtp_unprotect', f'suite-{suite}', bytes([suite]) + b''.join(rtp(n, n * 160, b'\x11' * 84) for n in range(6)))
seed('srtp_unprotect', 'clear-with-mki', bytes([0x1c]) + b''.join(rtp(n, n * 160, b'\x11' * 84) for n in range(4)))

# - frames: the link's place in the target's list, then length and frame
def frames(link, *many):
    return bytes([link]) + b''.join(struct.pack('>H', len(f)) + f for f in many)

ether = b'\2\0\0\0\0\1\2\0\0\0\0\2'
plain = udp(rtp(1, 160, b'\xd5' * 20))
v6 = b'\x60\0\0\0' + struct.pack('>HBB', len(plain) - 20, 17, 64) + b'\xfe\x80' + b'\0' * 13 + b'\1' + b'\xfe\x80' + b'\0' * 13 + b'\2' + plain[20:]
seed('net_peel', 'ethernet', frames(0, ether + b'\x08\0' + plain, ether + b'\x86\xdd' + v6))
seed('net_peel', 'vlan-qinq', frames(0, ether + b'\x81\0\0\x0c\x08\0' + plain, ether + b'\x88\xa8\0\x05\x81\0\0\x0c\x08\0' + plain))
seed('net_peel', 'mpls-pppoe', frames(0, ether + b'\x88\x47\0\1\x01\x40' + plain, ether + b'\x88\x64\x11\0\0\1' + struct.pack('>H', len(plain) + 2) + b'\0\x21' + plain))
seed('net_peel', 'vxlan', frames(0, ether + b'\x08\0' + udp(b'\x08\0\0\0\0\0\5\0' + ether + b'\x08\0' + plain, dport=4789)))
seed('net_peel', 'gtp', frames(4, udp(b'\x30\xff' + struct.pack('>HI', len(plain), 7) + plain, dport=2152)))

def ip(protocol, payload, fragment=0):
    return struct.pack('>BBHHHBBH', 0x45, 0, 20 + len(payload), 9, fragment, 64, protocol, 0) + b'\x0a\0\0\1\x0a\0\0\2' + payload

seed('net_peel', 'gre-erspan', frames(4, ip(47, b'\0\0\x08\0' + plain), ip(47, b'\x10\0\x88\xbe\0\0\0\1' + b'\x10\x05\0\1\0\0\0\0' + ether + b'\x08\0' + plain), ip(4, plain)))
whole = plain[20:]
seed('net_peel', 'fragments', frames(4, ip(17, whole[:16], 0x2000), ip(17, whole[16:], 2)))
seed('net_peel', 'fragments-back-to-front', frames(4, ip(17, whole[16:], 2), ip(17, whole[:16], 0x2000)))
seed('net_peel', 'cooked', frames(6, b'\0\0\0\1\0\6\2\0\0\0\0\1\0\0\x08\0' + plain))
# port, flags, seq, wait, length: SYN, data, out of order, FIN
seed('net_streams', 'stream', b'\1\2\0\1\0' + b'\1\x18\1\1\4INVI' + b'\1\x18\x09\1\4 sip' + b'\1\x18\5\1\4TE  ' + b'\1\x11\x0d\1\0')

# - files: four pcap dialects and pcapng
def pcap(order, magic, link=101, packets=3):
    out = struct.pack(order + 'IHHiIII', magic, 2, 4, 0, 0, 65535, link)
    for n in range(packets):
        out += struct.pack(order + 'IIII', 1_700_000_000 + n, 20_000 * n, len(plain), len(plain)) + plain
    return out

seed('capture_file', 'micro-little', pcap('<', 0xa1b2c3d4))
seed('capture_file', 'micro-big', pcap('>', 0xa1b2c3d4))
seed('capture_file', 'nano-little', pcap('<', 0xa1b23c4d))
seed('capture_file', 'torn', pcap('<', 0xa1b2c3d4)[:-9])

def block(order, kind, body):
    body += b'\0' * (-len(body) % 4)
    return struct.pack(order + 'II', kind, len(body) + 12) + body + struct.pack(order + 'I', len(body) + 12)

for order, name in (('<', 'next-little'), ('>', 'next-big')):
    section = block(order, 0x0a0d0d0a, struct.pack(order + 'IHHq', 0x1a2b3c4d, 1, 0, -1))
    card = block(order, 1, struct.pack(order + 'HHI', 101, 0, 65535) + struct.pack(order + 'HHBxxxHH', 9, 1, 9, 0, 0))
    at = 1_700_000_000_000_000_000
    packets = b''.join(block(order, 6, struct.pack(order + 'IIIII', 0, (at + n) >> 32, (at + n) & 0xffffffff, len(plain), len(plain)) + plain) for n in range(3))
    seed('capture_file', name, section + card + packets + block(order, 3, struct.pack(order + 'I', len(plain)) + plain) + section + card)

# - the ledger: a header of 128 octets and records of 64; the target writes the checksums
def record(kind, number, klass=0, reason=0, sequence=1, day=20270115):
    body = struct.pack('<BBBBIQ', kind, klass, reason, 0, 0, number) + bytes([number & 255]) * 16 + struct.pack('<qII', 1_800_000_000_000_000, day, sequence)
    return body.ljust(64, b'\0')

def ledger(*records, carried=0, next_no=1):
    head = b'\x89AMLEDG\x1a' + struct.pack('<HH4s', 1, 128, b'A') + b'\7' * 16 + struct.pack('<IQIII', 1, next_no, 0, 0, carried)
    return head.ljust(128, b'\0') + b''.join(records)

totals = struct.pack('<B7xI4xQQQQ', 4, 20270115, 3, 1, 1, 0).ljust(64, b'\0')
seed('ledger_replay', 'open-and-end', ledger(record(1, 1), record(1, 2, sequence=2), record(2, 1, 1, 0)))
seed('ledger_replay', 'hole', ledger(record(1, 1), record(1, 4, sequence=4), record(2, 2, 3, 1)))
seed('ledger_replay', 'carried', ledger(totals, record(3, 3, sequence=3), record(1, 4, sequence=4), carried=2, next_no=4))
seed('ledger_replay', 'torn', ledger(record(1, 1), record(1, 2, sequence=2))[:-20])

# - sound: codec, then lengths and payloads; runs of sixteen octets
for codec, size in ((0, 160), (1, 160), (4, 160), (7, 80), (13, 33), (14, 84), (16, 60), (17, 20), (18, 32), (20, 61)):
    seed('audio_decode', f'codec-{codec:02}', bytes([codec]) + b''.join(bytes([size]) + bytes((n * 37 + i * 11) & 255 for i in range(size)) for n in range(3)))
run = lambda track, cause, gap, samples, size, pos: struct.pack('<BB3sBHB', track, cause, gap.to_bytes(3, 'little'), 0, samples, size) + pos.to_bytes(7, 'little')
first = (0).to_bytes(3, 'little') + b'\xff' + b'\0' * 12
seed('audio_render', 'talk', first + b''.join(run(n & 1, 0, 0, 160, 160, n // 2 * 160) for n in range(8)))
seed('audio_render', 'gap', first + run(0, 0, 0, 160, 160, 0) + run(0, 1, 320, 160, 160, 480) + run(2, 4, 8000, 160, 33, 8640))

# - the engine: a choice, then steps of four octets (what happens, between whom, two more) and what they need
INV, OK, ACKED, GONE, GONE_OK = 0, 3, 7, 9, 14
call = lambda n: bytes([0, n, INV, 0]) + bytes([9, 0, 50, 0]) + bytes([0, n | 4, OK, 0]) + bytes([0, n, ACKED, 0])
talk = lambda n, packets, seq: bytes([2, n, packets, seq]) + bytes([2, n | 4, packets, seq])
end = lambda n: bytes([0, n, 0x10 | GONE, 0]) + bytes([0, n | 4, 0x10 | GONE_OK, 0])
seed('engine_packets', 'call', b'\1' + call(0) + talk(0, 100, 0) + end(0) + bytes([9, 0, 100, 3]))
seed('engine_packets', 'orphans', b'\1' + talk(1, 120, 0) + talk(2, 60, 0) + bytes([9, 0, 255, 7]) * 3)
seed('engine_packets', 'hold', b'\0' + call(0) + talk(0, 60, 0) + bytes([0, 0, 0x10, 2, 0, 4, 0x13, 2]) + bytes([9, 0, 200, 4]) + bytes([0, 0, 0x20, 0, 0, 4, 0x23, 0]) + talk(0, 60, 2) + end(0))
seed('engine_packets', 'encrypted', b'\0' + bytes([0, 0, INV, 5, 0, 4, OK, 5, 0, 0, ACKED, 0]) + talk(0, 100, 0) + end(0))
seed('engine_packets', 'jumps', b'\3' + call(0) + talk(0, 40, 0) + bytes([8, 0, 9, 0]) + talk(0, 40, 9) + bytes([4, 0, 0, 160, 200, 1, 90, 0]) + b'\xd5' * 160 + bytes([9, 0, 200, 6]) + talk(0, 40, 20))
seed('engine_packets', 'early-media-cancel', b'\0' + bytes([0, 1, INV, 0, 0, 5, 6, 0]) + bytes([2, 5, 80, 0]) + bytes([0, 1, 10, 0, 0, 5, 11, 0]) + bytes([9, 0, 100, 4]))

# - sealed recordings: how much of a good file is kept, then the rest of it; runs; CBOR
good = (HERE / '../../vectors/seal/good/three-seconds-x25519.amx').read_bytes()
for cut in (0, 150, 900, 1_500):
    for target in ('seal_walk', 'seal_part'):
        seed(target, f'whole-from-{512 + cut}', struct.pack('<H', cut) + good[512 + cut:])
varint = lambda n: (bytes([n & 127 | 128]) + varint(n >> 7)) if n > 127 else bytes([n])
a_run = lambda gap, cause, samples, octets: varint(gap) + bytes([cause]) + varint(samples) + varint(octets) + b'\xd5' * octets
seed('seal_runs', 'contiguous', varint(8_000) + a_run(0, 0, 160, 160))
seed('seal_runs', 'gaps-that-adjoin', varint(0) + a_run(320, 1, 0, 0) + a_run(160, 2, 160, 20) + a_run(0, 0, 160, 20) + a_run(500, 4, 0, 0))
seed('seal_cbor', 'map', bytes.fromhex('a3011903e802a10182f5f60343616263'))
seed('seal_cbor', 'text', bytes.fromhex('a1646e616d6565416c696365'))

# - words
for name, word in dict(reference='A270115-000001', day='2027-01-15', zone='Africa/Johannesburg', id='0' * 32).items():
    seed('shared_words', name, word)
