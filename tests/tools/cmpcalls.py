#!/usr/bin/python3
"""cmpcalls.py OUT            compares the RTP payload in OUT/calls.pcap with the audio that mkcalls.sh fed (OUT/ref)
cmpcalls.py OUT EXPORTED   compares what a recorder made of it: EXPORTED is from `amethyst export --format raw --all`

Each direction must be equal to what was fed, byte for byte, and lie in the file of its own call and party."""
import sys,struct,glob,os,collections,json
if len(sys.argv) not in (2,3): sys.exit(__doc__)
o=sys.argv[1]; ref={os.path.basename(f):open(f,'rb').read() for f in glob.glob(o+'/ref/*law')}
def exported(folder):
    ok=0
    for side in sorted(glob.glob(folder+'/*.json')):
        about=json.load(open(side)); rec=about.get('recording',about); files=sorted(glob.glob(side[:-5]+'_track*law'))
        for f in files:
            b=open(f,'rb').read(); hit=[r for r,v in ref.items() if v==b]
            leg=os.path.basename(f).rsplit('_track',1)[1].split('.')[0]; who={'near':'caller','far':'callee'}[leg.split('-')[1]]
            k=rec['caller']['number'][1:]; right=hit==[f'{k}.{who}.{f.rsplit(".",1)[1]}']
            print(rec['caller']['number'],rec['called']['number'],leg,len(b),'exact:',hit,'' if right else 'NOT AS FED'); ok+=right
    return ok
def on_the_wire(file):
    d=open(file,'rb').read(); i=24; st=collections.defaultdict(list); ok=0
    while i+16<=len(d):
        s,u,n,m=struct.unpack('<IIII',d[i:i+16]); f=d[i+16:i+16+n]; i+=16+n
        if f[12:14]!=b'\x08\x00' or f[23]!=17: continue
        h=14+(f[14]&15)*4; sp,dp=struct.unpack('!HH',f[h:h+4]); p=f[h+8:]
        if len(p)<12 or p[0]>>6!=2 or sp==5060 or sp in range(15000,15999) or sp in range(25000,25999): continue
        st[(f[26:30],sp)].append((struct.unpack('!H',p[2:4])[0],p[1]&127,p[12:]))
    for k,v in sorted(st.items()):
        b=b''.join(x[2] for x in sorted(v) if x[1] in(0,8)); hit=[r for r,w in ref.items() if b==w]
        part=[(r,) for r,w in ref.items() if len(b)>0 and w.startswith(b)]
        print('.'.join(map(str,k[0])),k[1],len(b),'exact:',hit or part,'events',sum(x[1]==101 for x in v)); ok+=bool(hit)
    return ok
ok=exported(sys.argv[2]) if len(sys.argv)==3 else on_the_wire(o+'/calls.pcap')
print(ok,'of',len(ref),'directions exact')
sys.exit(0 if ok==len(ref) and ref else 1)
