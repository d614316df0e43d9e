#!/bin/bash
# PID 1 of one machine, in namespaces of its own for network, mounts, processes and names (machine.ts starts it): containerd,
# kubelet and kube-proxy. When it dies the kernel ends all of them, every pod, and every mount.
#   NAME ADDRESS POD_CIDR  who it is        DIR  its disk         BIN KUBE_BIN CNI_BIN  where the programs are
#   CGROUP  its cgroup     KUBECONFIG CERTIFICATE KEY CA          IMAGES  archives to import
set -euo pipefail
hostname "$NAME"

# --- mounts: nothing of this reaches the machine that it runs on
mount --make-rprivate /
mkdir -p "$DIR"/{cgroup,containerd,kubelet,pods,containers,cni,state}
mount --rbind /sys/fs/cgroup "$DIR/cgroup"
mount -t sysfs sysfs /sys # of this network
mount --rbind "$DIR/cgroup" /sys/fs/cgroup
umount -l "$DIR/cgroup"
mount -t tmpfs -o mode=755 tmpfs /run
for pair in cni:/var/lib/cni kubelet:/var/lib/kubelet pods:/var/log/pods containers:/var/log/containers state:/var/lib/dhcp-operator; do
  mkdir -p "${pair#*:}"
  mount --bind "$DIR/${pair%%:*}" "${pair#*:}"
done
mount --make-rshared / # for pods that ask for mount propagation
sysctl -qw net.ipv4.ip_forward=1

# --- containerd
cat >"$DIR/containerd.toml" <<T
version = 3
root = "$DIR/containerd"
state = "/run/containerd"
[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "localhost/pause:e2e"
[plugins."io.containerd.cri.v1.runtime"]
  # Without CAP_SYS_RESOURCE nobody's score can be lowered, and runc gives up.
  restrict_oom_score_adj = true
  disable_apparmor = true
[plugins."io.containerd.cri.v1.runtime".cni]
  bin_dirs = ["$CNI_BIN"]
  conf_dir = "$DIR/net.d"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
T
mkdir -p "$DIR/net.d"
cat >"$DIR/net.d/pods.conflist" <<T
{"cniVersion": "1.0.0", "name": "pods", "plugins": [{"type": "bridge", "bridge": "cni0", "isGateway": true,
  "ipam": {"type": "host-local", "dataDir": "$DIR/cni/ipam", "ranges": [[{"subnet": "$POD_CIDR"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}
T
export PATH=$BIN:$KUBE_BIN:$PATH:/usr/sbin:/sbin
containerd --config "$DIR/containerd.toml" >"$DIR/containerd.log" 2>&1 &
for _ in $(seq 600); do
  ctr version >/dev/null 2>&1 && break
  sleep 0.05
done
for archive in $IMAGES; do ctr -n k8s.io images import "$archive" >>"$DIR/import.log" 2>&1; done
# The same under another tag, for an upgrade to it.
for image in $(ctr -n k8s.io images list -q | grep /dhcp-operator/); do
  ctr -n k8s.io images tag "$image" "${image%:*}:next" >>"$DIR/import.log"
done

# --- kubelet
: >"$DIR/resolv.conf"
cat >"$DIR/kubelet.yaml" <<T
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $ADDRESS
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $CA}}
authorization: {mode: Webhook}
tlsCertFile: $CERTIFICATE
tlsPrivateKeyFile: $KEY
cgroupDriver: cgroupfs
cgroupRoot: $CGROUP
failCgroupV1: false
failSwapOn: false
resolvConf: $DIR/resolv.conf
readOnlyPort: 0
# Nothing can be pulled again.
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: 50Mi, nodefs.available: 1%, imagefs.available: 1%, nodefs.inodesFree: 1%}
syncFrequency: 5s
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
T
kubelet --config="$DIR/kubelet.yaml" --kubeconfig="$KUBECONFIG" --hostname-override="$NAME" --node-ip="$ADDRESS" >"$DIR/kubelet.log" 2>&1 &
# The limits of conntrack are the initial namespace's: 0 leaves them alone.
kube-proxy --kubeconfig="$PROXY_KUBECONFIG" --hostname-override="$NAME" --proxy-mode=iptables --bind-address="$ADDRESS" \
  --conntrack-max-per-core=0 --conntrack-tcp-timeout-established=0s --conntrack-tcp-timeout-close-wait=0s >"$DIR/kube-proxy.log" 2>&1 &
while :; do wait -n 2>/dev/null || sleep 1; done
