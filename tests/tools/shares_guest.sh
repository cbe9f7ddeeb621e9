#!/bin/bash
# The inside of shares.sh: serves and mounts both shares in the virtual machine, and judges. `shares_guest.sh PROGRAM SITE`.
set -uo pipefail
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C AMETHYST_STALLED_S=6
program=$1 site=$2 bad=0 name=
ground=/run/shares
mkdir -p $ground/disk
ok() { echo "ok   $name: $*"; }
bad() { echo "BAD  $name: $*"; bad=$((bad + 1)); }
must() { local what=$1; shift; if "$@" >$ground/out 2>&1; then ok "$what"; else bad "$what: $(tail -c 600 $ground/out | tr '\n' ' ')"; fi; }

ip link set lo up
for m in loop crc32c_generic ext4 cifs cmac sha512 aes gcm ccm nfsd nfsv4 sch_netem; do busybox modprobe $m 2>/dev/null || true; done

serve_smb() {
  mkdir -p /run/samba /var/log/samba /var/lib/samba/private
  cat > $ground/smb.conf <<CONF
[global]
  server role = standalone server
  interfaces = lo
  bind interfaces only = yes
  disable netbios = yes
  smb ports = 445
  passdb backend = smbpasswd:$ground/smbpasswd
  load printers = no
[archive]
  path = $ground/disk/smb
  read only = no
  strict sync = yes
CONF
  [ -e $ground/smbpasswd ] || printf 'secret\nsecret\n' | smbpasswd -c $ground/smb.conf -L -s -a root
  smbd -s $ground/smb.conf -D
}
serve_nfs() {
  mountpoint -q /proc/fs/nfsd || mount -t nfsd nfsd /proc/fs/nfsd
  mkdir -p /var/lib/nfs/v4recovery
  : > /var/lib/nfs/etab
  rpc.nfsd 0
  # Who comes back is not kept waiting for a minute and a half.
  echo 10 > /proc/fs/nfsd/nfsv4leasetime
  echo 10 > /proc/fs/nfsd/nfsv4gracetime
  exportfs -o rw,no_root_squash,no_subtree_check,fsid=0,sync 127.0.0.1:$ground/disk/nfs
  pidof rpc.mountd >/dev/null || rpc.mountd -N 3
  rpc.nfsd -N 3 -V 4 -V 4.2 4
}
killed() { # a server dies at once
  if [ "$name" = smb ]; then pkill -KILL smbd; else rpc.nfsd 0; fi
}
served() { if [ "$name" = smb ]; then serve_smb; else serve_nfs; fi; }
cut_off() { tc qdisc add dev lo root netem loss 100%; }
joined() { tc qdisc del dev lo root; }
held() { if [ "$name" = smb ]; then pkill -STOP smbd; else cut_off; fi; }
let_go() { if [ "$name" = smb ]; then pkill -CONT smbd; else joined; fi; }

# With those that have only their temporary name yet.
copied() { find $ground/disk/$name -name '*.amx*' -path '*/rec/*' 2>/dev/null | wc -l; }
recorded() { find $ground/site/live -name '*.amx' | wc -l; }
run() { "$program" archive run --data $ground/site --location $name --logins 0; }
verify() { "$program" archive verify --data $ground/site --location $name; }
whole() { # stock tools, on the server's own disk
  local day n=0
  for day in $ground/disk/$name/AMETHYST/????-??-??; do
    for sums in "$day"/sha256sums-*.txt; do
      (cd "$day/${SUMS_FROM:-.}" && sha256sum --quiet -c "$sums") || return 1
      n=$((n + $(grep -c . "$sums")))
    done
  done
  echo "$n files"
  [ "$n" -ge "$(recorded)" ]
}
fresh() { # an empty share and the site as it was recorded. Emptied from here: a client goes on believing in what it has seen
  rm -rf $ground/at/${name:?}/* $ground/site
  cp -r "$site" $ground/site
  "$program" location add --data $ground/site --kind $name --path $ground/at/$name --name $name
}

# disturb NAME-OF-IT DISTURB MEND: in mid-copy the server is disturbed; the run is given up; mended, the next one completes.
disturb() {
  local what=$1 pid before t
  must "$what: a place is configured" fresh
  run >$ground/cut 2>&1 &
  pid=$!
  for _ in $(seq 2400); do [ "$(copied)" -ge 30 ] && break; sleep 0.05; done
  before=$(copied)
  "$2"
  t=$SECONDS
  kill -0 $pid 2>/dev/null || bad "$what: the run was over before it was disturbed"
  for _ in $(seq 240); do kill -0 $pid 2>/dev/null || break; sleep 1; done
  if kill -0 $pid 2>/dev/null; then
    bad "$what: after 240 s the run has not given up"
  else
    if wait $pid; then bad "$what: the run says it is complete"
    else ok "$what at $before of $(recorded): given up after $((SECONDS - t)) s: $(grep -v '^ *$' $ground/cut | tail -1 | cut -c1-200)"; fi
  fi
  "$3"
  local done=no
  for _ in $(seq 30); do
    if run >$ground/again 2>&1; then done=yes; break; fi
    sleep 3
  done
  if [ $done = yes ]; then ok "$what: the next run completes"; else bad "$what: no run completes: $(tail -c 400 $ground/again | tr '\n' ' ')"; fi
  must "$what: verify finds everything whole" verify
  must "$what: sha256sum -c on the server's disk" whole
}

truncate -s 900M $ground/disk.img
mkfs.ext4 -q -F $ground/disk.img
mount -o loop $ground/disk.img $ground/disk || { echo 'VERDICT: 1 bad: the guest has no disk'; exit 1; }
mkdir -p $ground/disk/{smb,nfs} $ground/at/{smb,nfs}
for name in smb nfs; do
  echo "== $name, kernel $(uname -r)"
  served
  sleep 2
  if [ $name = smb ]; then
    printf 'username=root\npassword=secret\n' > $ground/who
    must mounted mount -t cifs //127.0.0.1/archive $ground/at/smb -o "vers=3.1.1,cache=none,credentials=$ground/who"
  else
    must mounted mount -t nfs4 127.0.0.1:/ $ground/at/nfs -o vers=4.2,hard
  fi
  grep " $ground/at/$name " /proc/mounts | cut -c1-150 | sed 's/^/== /'
  must 'a place is configured' fresh
  t=$SECONDS
  must 'a run completes' run
  ok "in $((SECONDS - t)) s: $(grep -v '^ *$' $ground/out | tail -1 | cut -c1-200)"
  must 'verify finds everything whole' verify
  must 'sha256sum -c on the server'"'"'s disk' whole
  disturb 'the server hangs' held let_go
  disturb 'the server dies' killed served
  disturb 'the wire is cut' cut_off joined
  umount -l $ground/at/$name
  killed
  rm -rf $ground/disk/${name:?}/*
done
if [ $bad = 0 ]; then echo 'VERDICT: all as it must be'; else echo "VERDICT: $bad bad"; fi
