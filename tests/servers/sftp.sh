#!/usr/bin/env bash
# SFTP, by OpenSSH's own server. As root: in a jail, for a user of its own, with key or password. As anyone else: for that
# user alone and by key, since only root can check passwords.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

port=$((base_port + 30))
sshd=/usr/sbin/sshd

install() { [ -x "$sshd" ] || apt_install openssh-server; }

answers() { ssh-keyscan -p "$port" -t ed25519 127.0.0.1 2>/dev/null | grep -qF "$(cut -d' ' -f2 "$folder/host_ed25519.pub")"; }

fingerprint() { ssh-keygen -lf "$folder/$1.pub" | cut -d' ' -f2; }

start() {
  need ssh-keygen ssh-keyscan setsid
  port_is_free "$port"
  port_is_free $((port + 1))
  local user password login remote jail='' command
  mkdir -p "$folder/jail/lists" "$folder/jail/read_only" "$folder/jail/full"
  chmod 755 "$folder" "$folder/jail"
  [ -f "$folder/client" ] || ssh-keygen -q -t ed25519 -N '' -f "$folder/client"
  [ -f "$folder/host_ed25519" ] || ssh-keygen -q -t ed25519 -N '' -f "$folder/host_ed25519"
  [ -f "$folder/host_rsa" ] || ssh-keygen -q -t rsa -b 3072 -N '' -f "$folder/host_rsa"
  cp "$folder/client.pub" "$folder/authorized"
  if is_root; then
    user=consignsftp password=consign-sftp-password remote='' login=yes jail='ChrootDirectory /mnt'
    id "$user" >/dev/null 2>&1 || useradd --no-create-home --home-dir / --shell /usr/sbin/nologin "$user"
    echo "$user:$password" | chpasswd
    chown "$user:" "$folder/jail/lists" "$folder/jail/full"
    # A disk that is soon full, where one may be mounted; else there is no such folder for the tests.
    mount -t tmpfs -o "size=1m,uid=$(id -u "$user")" consign-test "$folder/jail/full" 2>/dev/null || rmdir "$folder/jail/full"
    mkdir -p /run/sshd
    # sshd wants a jail below folders that only root writes to, so it sees it bound elsewhere, alone.
    command='mount --rbind "$1/jail" /mnt && exec /usr/sbin/sshd -D -e -f "$1/sshd_config"'
  else
    user=$(id -un) password='' remote=$folder/jail login=no
    rmdir "$folder/jail/full"
    command='exec /usr/sbin/sshd -D -e -f "$1/sshd_config"'
  fi
  chmod 555 "$folder/jail/read_only"
  cat >"$folder/sshd_config" <<CONF
ListenAddress 127.0.0.1:$port
ListenAddress 127.0.0.1:$((port + 1))
HostKey $folder/host_ed25519
HostKey $folder/host_rsa
PidFile none
AuthorizedKeysFile $folder/authorized
StrictModes no
UsePAM no
UseDNS no
AllowUsers $user
PasswordAuthentication $login
KbdInteractiveAuthentication no
MaxStartups 100
DisableForwarding yes
Subsystem sftp internal-sftp
$jail
ForceCommand internal-sftp
# A server as other makers' are: it can neither replace a file in one step, nor sync one, nor tell its free space.
Match LocalPort $((port + 1))
  ForceCommand internal-sftp -P posix-rename,fsync,statvfs
CONF
  if is_root; then
    launch sftp unshare --mount --propagation private sh -c "$command" sh "$folder"
  else
    launch sftp sh -c "$command" sh "$folder"
  fi
  await sftp answers
  cat <<ENV
CONSIGN_TEST_SFTP_HOST=127.0.0.1
CONSIGN_TEST_SFTP_PORT=$port
CONSIGN_TEST_SFTP_BASIC_PORT=$((port + 1))
CONSIGN_TEST_SFTP_USERNAME=$user
CONSIGN_TEST_SFTP_PASSWORD=$password
CONSIGN_TEST_SFTP_KEY_FILE=$folder/client
CONSIGN_TEST_SFTP_HOST_KEY=$(fingerprint host_ed25519)
CONSIGN_TEST_SFTP_RSA_HOST_KEY=$(fingerprint host_rsa)
CONSIGN_TEST_SFTP_ROOT=$remote
CONSIGN_TEST_SFTP_LOCAL_ROOT=$folder/jail
ENV
}

stop() {
  end sftp
  if is_root; then umount "$folder/jail/full" 2>/dev/null || true; fi
}

main "$@"
