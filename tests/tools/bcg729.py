#!/usr/bin/env python3
"""Decodes G.729 by libbcg729, a judge of our own decoder. It is GPL: asked from outside, never linked.

Standard input: frames, each after an octet of its length (10 speech, 2 description of noise, 0 lost or not sent).
Standard output: 80 samples for each, 16 bits, of this machine's byte order. Exit code 3: there is no such library.
"""

import ctypes
import sys

try:
    library = ctypes.CDLL("libbcg729.so.0")  # Debian: libbcg729-0, which tshark brings along
except OSError:
    sys.exit(3)
library.initBcg729DecoderChannel.restype = ctypes.c_void_p
library.bcg729Decoder.argtypes = [ctypes.c_void_p, ctypes.c_char_p] + [ctypes.c_uint8] * 4 + [ctypes.c_void_p]
channel = library.initBcg729DecoderChannel()
pcm = (ctypes.c_int16 * 80)()
while length := sys.stdin.buffer.read(1):
    frame = sys.stdin.buffer.read(length[0])
    is_lost, is_noise = not frame, len(frame) == 2
    library.bcg729Decoder(channel, frame, len(frame), is_lost, is_noise, 0, pcm)
    sys.stdout.buffer.write(bytes(pcm))
