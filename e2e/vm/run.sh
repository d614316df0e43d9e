#!/bin/bash
# Runs a command in a Debian kernel under qemu, because the kernel at hand may lack VLANs, vrf, ipvlan or netem.
# It sees this machine's files where they are; what it writes is gone afterwards.
#
#   e2e/vm/run.sh COMMAND [ARGUMENT...]     prints what the command prints, ends as it ends
#   SECONDS_MAX=300                         125: the kernel did not get as far as the command, 124: time was up
#   DHCP_VM_CACHE=folder                    the kernel: 70 MB fetched by the first call from Debian, not installed
#
# A call costs 4 s on two cores without KVM, and JavaScript takes 6 to 8 times as long as outside, a new process 30 ms,
# a file opened 1 ms. So run a whole test file by one call, give it time, and measure nothing. The command has nothing
# to read from, no network but what it makes, and an empty /run.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin
cache=${DHCP_VM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dhcp-operator/vm}
say() { echo "vm: $*" >&2; }
fail() { say "$*"; exit 125; }
[ $# -gt 0 ] || fail "what shall run?"
[ "$(uname -m)" = x86_64 ] || fail "the kernel is for x86_64, and the programs of this machine are not"
case $PWD/ in /run/* | /dev/* | /proc/* | /sys/*) fail "not from $PWD, which is another folder in there" ;; esac

missing=()
for pair in qemu-system-x86_64:qemu-system-x86 depmod:kmod xz:xz-utils; do
  command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
done
if [ ${#missing[@]} -gt 0 ]; then
  [ "$(id -u)" = 0 ] || fail "needs root to install ${missing[*]}"
  say "installing ${missing[*]}"
  apt=(apt-get -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300)
  "${apt[@]}" install "${missing[@]}" </dev/null >&2 ||
    { apt-get update -qq >&2 && "${apt[@]}" install "${missing[@]}" </dev/null >&2; } ||
    fail "cannot install ${missing[*]}"
fi

# --- the kernel, fetched once ---------------------------------------------------------------------
fetch() { # PACKAGE: unpacked into $cache/root
  (cd "$cache" && apt-get download -qq -o APT::Sandbox::User=root "$1" >&2) || return 1
  dpkg-deb -x "$cache/$1"_*.deb "$cache/root" && rm -f "$cache/$1"_*.deb
  # Newer packages say /usr/lib, and kmod looks in /lib.
  [ -e "$cache/root/lib" ] || ln -s usr/lib "$cache/root/lib"
}
fetch_kernel() {
  local kernel
  kernel=$(apt-cache depends --important linux-image-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -1)
  [ -n "$kernel" ] && fetch "$kernel" && fetch busybox-static
}
# The emulated processor would take 3 s to unpack it at every boot. A kernel's image is a small program and an xz stream.
unpack_kernel() { # VMLINUZ TO
  local at
  at=$(LC_ALL=C grep -abom1 $'\xfd7zXZ\x00' "$1" | head -1 | cut -d: -f1) || true
  tail -c "+$((${at:-0} + 1))" "$1" | xz -dcq --single-stream > "$2" 2>/dev/null || true
  [ "$(head -c 4 "$2")" = $'\x7fELF' ] || cp "$1" "$2"
}
mkdir -p "$cache"
exec 8>"$cache/lock"; flock 8
if [ ! -e "$cache/kernel.ready" ]; then
  say "fetching a kernel, once"
  rm -rf "${cache:?}/root" "$cache"/*.deb; mkdir -p "$cache/root"
  fetch_kernel || { apt-get update -qq >&2 && fetch_kernel; } || fail "cannot fetch Debian's kernel"
  depmod -b "$cache/root" "$(ls "$cache/root/lib/modules")"
  unpack_kernel "$cache"/root/boot/vmlinuz-* "$cache/vmlinux"
  touch "$cache/kernel.ready"
fi
exec 8>&-
release=$(ls "$cache/root/lib/modules")
busybox=$cache/root/bin/busybox
[ -x "$busybox" ] || busybox=$cache/root/usr/bin/busybox

# --- what the kernel starts with: busybox, the modules that reach this machine's files, a script ---
work=$(mktemp -d)
vm=""
finish() { [ -z "$vm" ] || { kill "$vm" && wait "$vm"; } 2>/dev/null || true; rm -rf "$work"; }
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
mkdir -p "$work/early/modules" "$work/mail"
cp "$busybox" "$work/early/busybox"
modprobe -d "$cache/root" -S "$release" --show-depends -a virtio_pci 9pnet_virtio 9p overlay |
  awk '$1 == "insmod" && !seen[$2]++ {print $2}' > "$work/modules"
count=100
while read -r file; do
  count=$((count + 1)); to=$work/early/modules/$count.ko
  case $file in *.xz) xz -dc "$file" > "$to" ;; *) cp "$file" "$to" ;; esac
done < "$work/modules"
cat > "$work/early/init" <<'INIT'
#!/busybox sh
b=/busybox
$b mkdir -p /lower /layer /root /proc
for module in /modules/*; do $b insmod $module; done
how=trans=virtio,version=9p2000.L,msize=512000
$b mount -t 9p -o ro,cache=loose,$how machine /lower
$b mount -t tmpfs -o size=70% layer /layer && $b mkdir /layer/top /layer/work
$b mount -t overlay -o lowerdir=/lower,upperdir=/layer/top,workdir=/layer/work merged /root
cd /root
$b mount -t proc proc proc; $b mount -t sysfs sysfs sys; $b mount -t devtmpfs dev dev
$b mkdir -p dev/pts dev/shm dev/net; $b mount -t devpts devpts dev/pts; $b mount -t tmpfs shm dev/shm
$b ln -sf /proc/self/fd dev/fd; $b ln -sf fd/0 dev/stdin; $b ln -sf fd/1 dev/stdout; $b ln -sf fd/2 dev/stderr
$b mount -t tmpfs run run; $b mkdir -p run/netns run/lock run/mail
$b mount -t 9p -o $how mail run/mail
exec $b switch_root /root /bin/bash /run/mail/job
INIT
chmod +x "$work/early/init"
(cd "$work/early" && find . | "$busybox" cpio -o -H newc 2>/dev/null) > "$work/early.cpio"

# --- the command, with this shell's folder and the few variables that matter -----------------------
: > "$work/mail/out"
{
  for name in PATH HOME LANG CI; do [ -z "${!name:-}" ] || printf 'export %s=%q\n' "$name" "${!name}"; done
  printf ': > /run/mail/started\nexport DHCP_VM=1\nmkdir -p /lib/modules; mount --bind %q /lib/modules\n' "$cache/root/lib/modules"
  printf 'ip link set lo up; hostname vm; cd %q\n' "$PWD"
  printf '('; printf ' %q' "$@"; printf ' ) </dev/null >>/run/mail/out 2>&1\n'
  printf 'echo $? > /run/mail/status; sync; echo b > /proc/sysrq-trigger\n'
} > "$work/mail/job"

# A machine that is a guest itself may have /dev/kvm without a processor that can do it; qemu would then spin for ever.
accelerator=tcg,thread=multi
! grep -qwE 'vmx|svm' /proc/cpuinfo || [ ! -w /dev/kvm ] || accelerator=kvm
share() { echo "local,path=$1,mount_tag=$2,security_model=none,multidevs=remap"; }
# setpriv: it never outlives this script, however that ends.
setpriv --pdeathsig TERM timeout -k 5 "${SECONDS_MAX:-300}" qemu-system-x86_64 \
  -M q35 -accel "$accelerator" -cpu max -smp 2 -m 2048 \
  -nodefaults -no-user-config -display none -no-reboot -serial "file:$work/console" \
  -kernel "$cache/vmlinux" -initrd "$work/early.cpio" \
  -append "quiet loglevel=3 panic=-1 console=ttyS0 mitigations=off audit=0 apparmor=0 cryptomgr.notests" \
  -virtfs "$(share / machine),readonly=on" -virtfs "$(share "$work/mail" mail)" </dev/null 2>"$work/qemu" &
vm=$!
# A kernel that hangs is not waited for until time is up. It starts in 3 s; two minutes are for busy machines.
for _ in $(seq 240); do
  [ ! -e "$work/mail/started" ] && kill -0 $vm 2>/dev/null || break
  sleep 0.5
done
[ -e "$work/mail/started" ] || kill $vm 2>/dev/null || true
tail -q -s 0.2 -n +1 -f --pid=$vm "$work/mail/out" &
shown=$!
ended=0; wait $vm || ended=$?; vm=""
wait $shown || true
[ ! -s "$work/mail/status" ] || exit "$(cat "$work/mail/status")"
[ $ended != 124 ] || { say "time was up"; exit 124; }
tail -qn 8 "$work/qemu" "$work/console" >&2 || true
fail "the kernel ended without the command"
