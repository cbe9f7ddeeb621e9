#!/usr/bin/env bash
# An archive on shares as real kernels serve and mount them: kernel CIFS beside Samba's smbd, NFS 4.2 beside knfsd.
#
#   shares.sh PROGRAM WORK [CALLS=120]
#
# Boots Debian's kernel in a virtual machine whose root is this machine's, read only, under a layer of memory: nothing outside WORK is
# touched, and neither this kernel's modules nor its servers are used. In there `shares_guest.sh` mounts both shares and judges runs whose
# server is stopped, dies, and is cut off in mid-copy. The last line is the verdict; the exit code is 0 only if all was as it must be.
#
# Needs root, qemu-system-x86, samba, cifs-utils, nfs-kernel-server, busybox-static, and a package of 70 MB that is fetched with
# apt-get (the kernel; it is unpacked, not installed). Not part of CI: it needs root and a kernel with modules for CIFS and nfsd, which the
# machines there do not have and may not load, so a kernel is booted, and emulated where the processor lends no help.
set -euo pipefail
program=$(realpath "${1:?usage: shares.sh PROGRAM WORK [CALLS]}")
mkdir -p "${2:?usage: shares.sh PROGRAM WORK [CALLS]}"
work=$(realpath "$2")
calls=${3:-120}
tools=$(cd "$(dirname "$0")" && pwd)
PATH=$PATH:/usr/sbin:/sbin

[ "$(id -u)" = 0 ] || { echo 'shares: needs root, to read this machine as the guest does and to make its files' >&2; exit 2; }
missing=()
while read -r command package; do
  command -v "$command" >/dev/null || missing+=("$package")
done <<'LIST'
qemu-system-x86_64 qemu-system-x86
smbd samba
mount.cifs cifs-utils
rpc.nfsd nfs-kernel-server
busybox busybox-static
mkfs.ext4 e2fsprogs
tc iproute2
cpio cpio
LIST
if [ ${#missing[@]} -gt 0 ]; then
  apt-get install -y --no-install-recommends "${missing[@]}" >&2
fi

kernel() { # Debian's kernel, unpacked into WORK/kernel
  [ ! -e "$work/kernel/boot" ] || return 0
  local package
  package=$(apt-cache depends linux-image-amd64 | awk '/Depends: linux-image/ { print $2; exit }')
  mkdir -p "$work/fetched"
  (cd "$work/fetched" && apt-get download "$package" >&2 && dpkg -x ./linux-image*.deb "$work/kernel")
  rm -r "$work/fetched"
}

first_root() { # the first file system: finds the share of this machine's root, lays memory over it, and goes there
  local version=$1 at=$work/first name
  rm -rf "$at"
  mkdir -p "$at"/{bin,proc,sys,dev,lower,upper,whole} "$at/lib/modules/$version"
  cp "$(command -v busybox)" "$at/bin/busybox"
  local from=$work/kernel/lib/modules/$version
  busybox depmod -b "$work/kernel" "$version"
  cp "$from"/modules.* "$at/lib/modules/$version/"
  for name in kernel/drivers/virtio kernel/net/9p kernel/fs/9p kernel/fs/netfs kernel/fs/fscache kernel/fs/overlayfs; do
    mkdir -p "$at/lib/modules/$version/$name"
    cp -r "$from/$name/." "$at/lib/modules/$version/$name/"
  done
  cat > "$at/init" <<INIT
#!/bin/busybox sh
B=/bin/busybox
\$B mount -t proc proc /proc; \$B mount -t sysfs sys /sys; \$B mount -t devtmpfs dev /dev
for m in virtio_pci 9pnet_virtio 9p overlay; do \$B modprobe \$m; done
\$B mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=262144 host /lower || \$B poweroff -f
\$B mount -t tmpfs -o size=80% tmpfs /upper; \$B mkdir /upper/u /upper/w
\$B mount -t overlay -o lowerdir=/lower,upperdir=/upper/u,workdir=/upper/w overlay /whole || \$B poweroff -f
for d in proc sys dev; do \$B mount --move /\$d /whole/\$d; done
\$B mount -t tmpfs tmpfs /whole/run
\$B mkdir -p /whole/lib/modules
\$B chroot /whole /bin/busybox ln -sfn "$from" "/lib/modules/$version"
\$B chroot /whole /bin/bash "$work/shares_guest.sh" "$work/amethyst" "$work/site" 2>&1
\$B sync; \$B poweroff -f
INIT
  chmod +x "$at/init"
  (cd "$at" && find . | cpio -o -H newc --quiet | gzip -1) > "$work/first.gz"
  rm -r "$at"
}

kernel
version=$(basename "$work"/kernel/lib/modules/*)
first_root "$version"
# The guest sees only what lies in WORK for certain. Lean, since it is read through a share.
cp "$tools/shares_guest.sh" "$work/"
cp "$program" "$work/amethyst"
strip "$work/amethyst"
if [ ! -e "$work/site/live" ]; then
  echo "shares: recording $calls calls" >&2
  /usr/bin/python3 - "$tools" "$work" "$calls" <<'PY'
import argparse, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import archive
work = Path(sys.argv[2])
archive.site_of(argparse.Namespace(amethyst=str(work / "amethyst")), work, "site", lambda pcap: archive.noise(pcap, int(sys.argv[3]), 195_000))
PY
fi

# A /dev/kvm may be there and start nothing, inside another virtual machine.
accel=(-accel tcg -cpu max)
if [ -w /dev/kvm ] && grep -qwE 'vmx|svm' /proc/cpuinfo; then
  accel=(-accel kvm -cpu host)
else
  echo 'shares: this processor runs no virtual machines; an emulated one takes a quarter of an hour' >&2
fi
timeout "${SHARES_S:-3600}" qemu-system-x86_64 "${accel[@]}" -smp 2 -m 3072 -display none -monitor none -serial stdio -no-reboot \
  -kernel "$work"/kernel/boot/vmlinuz-* -initrd "$work/first.gz" -append 'console=ttyS0 panic=-1' \
  -virtfs local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap \
  < /dev/null | stdbuf -oL tr -d '\r' | tee "$work/said.log" | grep --line-buffered -E '^(ok|BAD|==|VERDICT)' || true
grep -q '^VERDICT: all as it must be' "$work/said.log"
