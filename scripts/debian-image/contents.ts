// SPDX-License-Identifier: BSD-2-Clause
/** What is in the image: Debian's packages, and the few files that make a system of them. */

export const ROOT_PASSWORD = 'tsbhyve';
export const LABEL = 'debian';

const PACKAGES = [
  'systemd systemd-sysv systemd-resolved udev dbus libpam-systemd kmod procps',
  'linux-image-cloud-amd64 initramfs-tools zstd e2fsprogs',
  'iproute2 iputils-ping ca-certificates openssh-server chrony less',
  'fio iperf3 python3 sqlite3',
];

export const packages = PACKAGES.join(' ').split(' ');

export interface ImageFile {
  readonly path: string;
  readonly text: string;
  readonly mode?: number;
}

export interface ImageKeys {
  /** In OpenSSH's formats. */
  readonly hostKey: string;
  readonly hostPublicKey: string;
  readonly loginPublicKey: string;
  readonly machineId: string;
}

const NETWORK = `[Match]
Type=ether

[Network]
DHCP=yes
`;

/**
 * chrony takes a minute and a half to believe that an hour is missing. The real-time clock tells of it at once, because
 * that is what a resume sets right.
 */
const CLOCK_WATCH = `#!/bin/sh
while sleep 5; do
  read -r rtc < /sys/class/rtc/rtc0/since_epoch || exit 1
  late=$((rtc - $(date +%s)))
  if [ $late -gt 10 ]; then
    echo "the real-time clock is $late s ahead: taking its time, and measuring anew"
    date -s "@$rtc"
    chronyc -n reset sources
    chronyc -n burst 4/8
    sleep 20
  fi
done
`;

const CLOCK_WATCH_UNIT = `[Unit]
Description=Sets the time right after a suspend
After=chrony.service
Requires=chrony.service
ConditionPathExists=/sys/class/rtc/rtc0/since_epoch

[Service]
ExecStart=/usr/local/sbin/clock-watch

[Install]
WantedBy=multi-user.target
`;

/**
 * systemd gives a device 90 seconds to appear, and without the console's there is no login prompt for as long as the system
 * runs. Under emulation on a busy host that is not always enough; a service may take its time there, too.
 */
const PATIENCE = `[Manager]
DefaultDeviceTimeoutSec=1h
DefaultTimeoutStartSec=1h
DefaultTimeoutStopSec=15min
`;

/**
 * Time of a machine that was suspended is behind at once, by any amount and at any time. No `rtcsync`: its kernel would set
 * the real-time clock, which a resume has put right, to the time of before.
 */
const CHRONY = `confdir /etc/chrony/conf.d
sourcedir /etc/chrony/sources.d
pool 2.debian.pool.ntp.org iburst
keyfile /etc/chrony/chrony.keys
driftfile /var/lib/chrony/chrony.drift
ntsdumpdir /var/lib/chrony
logdir /var/log/chrony
maxupdateskew 100.0
makestep 1 -1
leapsectz right/UTC
`;

/** These replace what the packages have there. */
export function imageFiles({ hostKey, hostPublicKey, loginPublicKey, machineId }: ImageKeys): ImageFile[] {
  return [
    { path: 'etc/hostname', text: 'debian\n' },
    { path: 'etc/hosts', text: '127.0.0.1 localhost debian\n::1 localhost\n' },
    { path: 'etc/fstab', text: `LABEL=${LABEL} / ext4 errors=remount-ro 0 1\n` },
    { path: 'etc/machine-id', text: `${machineId}\n`, mode: 0o444 },
    { path: 'etc/systemd/network/ethernet.network', text: NETWORK },
    { path: 'etc/systemd/system.conf.d/patience.conf', text: PATIENCE },
    { path: 'etc/chrony/chrony.conf', text: CHRONY },
    { path: 'usr/local/sbin/clock-watch', text: CLOCK_WATCH, mode: 0o755 },
    { path: 'etc/systemd/system/clock-watch.service', text: CLOCK_WATCH_UNIT },
    { path: 'etc/ssh/ssh_host_ed25519_key', text: hostKey, mode: 0o600 },
    { path: 'etc/ssh/ssh_host_ed25519_key.pub', text: hostPublicKey },
    { path: 'root/.ssh/authorized_keys', text: loginPublicKey, mode: 0o600 },
  ];
}

/** Symbolic links, by path. They replace what the packages have there. */
export const LINKS: Readonly<Record<string, string>> = {
  'etc/resolv.conf': '../run/systemd/resolve/stub-resolv.conf',
  'etc/systemd/system/multi-user.target.wants/clock-watch.service': '/etc/systemd/system/clock-watch.service',
};

/** Done in the new system, as its root. */
export const COMMANDS = [
  `echo root:${ROOT_PASSWORD} | chpasswd`,
  'systemctl enable systemd-networkd',
  // On a network they would take the locks of dpkg at some moment after the first boot.
  'systemctl disable apt-daily.timer apt-daily-upgrade.timer',
  // On a busy host a login under emulation may need more than a minute.
  'sed -i "s/^LOGIN_TIMEOUT.*/LOGIN_TIMEOUT 3600/" /etc/login.defs',
  // Only the first kind is offered, and nobody knows the others.
  'rm -f /etc/ssh/ssh_host_rsa_key* /etc/ssh/ssh_host_ecdsa_key*',
];
