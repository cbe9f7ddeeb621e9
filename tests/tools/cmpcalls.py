#!/usr/bin/python3
"""cmpcalls.py OUT - compares the RTP payload in OUT/calls.pcap with the audio that mkcalls.sh fed (OUT/ref)."""
import sys,struct,glob,os,collections
if len(sys.argv)!=2: sys.exit(__doc__)
o=sys.argv[1]; d=open(o+'/calls.pcap','rb').read(); i=24; st=collections.defaultdict(list)
while i+16<=len(d):
    s,u,n,m=struct.unpack('<IIII',d[i:i+16]); f=d[i+16:i+16+n]; i+=16+n
    if f[12:14]!=b'\x08\x00' or f[23]!=17: continue
    h=14+(f[14]&15)*4; sp,dp=struct.unpack('!HH',f[h:h+4]); p=f[h+8:]
    if len(p)<12 or p[0]>>6!=2 or sp==5060 or sp in range(15000,15999) or sp in range(25000,25999): continue
    st[(f[26:30],sp)].append((struct.unpack('!H',p[2:4])[0],p[1]&127,p[12:]))
ref={f:open(f,'rb').read() for f in glob.glob(o+'/ref/*law')}
ok=0
for k,v in sorted(st.items()):
    b=b''.join(x[2] for x in sorted(v) if x[1] in(0,8)); hit=[os.path.basename(f) for f,r in ref.items() if b==r]; 
    part=[(os.path.basename(f),) for f,r in ref.items() if len(b)>0 and r.startswith(b)]
    print('.'.join(map(str,k[0])),k[1],len(b),'exact:' ,hit or part, 'events',sum(x[1]==101 for x in v)); ok+=bool(hit)
print(ok,'of',len(ref),'directions exact')
sys.exit(0 if ok==len(ref) else 1)
