#!/bin/bash
# Two Active Directory forests by Samba, with the part of Exchange's schema that the tests use (test/peers/samba), apart from each other as
# those of two companies are:
#   scripts/samba-forests.sh start|stop|facts|fresh|remove STATE_DIR [source|target|both]
#   scripts/samba-forests.sh second|replicate STATE_DIR
# source: SOURCE.TEST at 127.0.0.11, target: TARGET.TEST at 127.0.0.12 (LDAP 389, LDAPS 636, global catalogue 3268 and 3269).
# start may be called at any time; fresh puts a forest back to what it was after its first start; facts prints KEY=VALUE lines.
# second joins a second controller to SOURCE.TEST, at 127.0.0.13; replicate carries changes over between the two, which nothing else does.
# Needs root: the addresses are put on the loopback interface (and left there), the ports are below 1024. Other accounts must be able to
# enter STATE_DIR. The passwords are the tests' own and guard nothing.
set -u
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
data=$(cd -- "$here/../test/peers/samba" && pwd)

die() {
  echo "samba-forests: $*" >&2
  exit 1
}
usage="usage: $0 start|stop|facts|fresh|remove|second|replicate STATE_DIR [source|target|both]"
action=${1:-} which=${3:-both}
[ -n "${2:-}" ] || die "$usage"
mkdir -p "$2" || die "cannot make $2"
state=$(cd "$2" && pwd)
case $which in
  both) which='source target' ;;
  source | target) ;;
  *) die "$usage" ;;
esac

describe() { # describe source|target|second
  name=$1 forest=$1 host=dc1
  case $name in
    source) ip=127.0.0.11 ;;
    target) ip=127.0.0.12 ;;
    second) ip=127.0.0.13 forest=source host=dc2 ;;
  esac
  domain=$forest.test realm=${forest^^}.TEST short=${forest^^} dn=DC=$forest,DC=test
  home=$state/$name password=Admin.of.$forest.1
  schema=CN=Schema,CN=Configuration,$dn
  organization="${forest^} Organization"
}

password() { # password ACCOUNT
  echo "Password.of.$1.$forest"
}

facts() {
  local key=${forest^^}
  cat <<END
${key}_URL=ldaps://$ip:636
${key}_DOMAIN=$domain
${key}_BASE=$dn
${key}_ADMIN=Administrator@$domain
${key}_ADMIN_PASSWORD=$password
${key}_CA=$state/tls/ca.pem
${key}_SYNC=sync@$domain
${key}_SYNC_PASSWORD=$(password sync)
${key}_GUEST=guest-sync@$domain
${key}_GUEST_PASSWORD=$(password guest-sync)
${key}_SAM=$home/private/sam.ldb
${key}_CONFIG=$home/etc/smb.conf
END
}

# running: whether the process that start wrote down is alive, and is Samba.
running() {
  pid=$(tr -d ' \n' 2>/dev/null <"$home/run/samba.pid") && [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null &&
    grep -q '^samba' "/proc/$pid/comm" 2>/dev/null
}

certificates() {
  local tls=$state/tls
  mkdir -p "$tls"
  (
    flock 9
    if [ ! -s "$tls/ca.pem" ]; then
      openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj '/CN=Causeway test authority' \
        -addext 'basicConstraints=critical,CA:TRUE' -addext 'keyUsage=critical,keyCertSign,cRLSign' \
        -keyout "$tls/ca.key" -out "$tls/ca.pem" 2>"$tls/openssl.log" || exit 1
    fi
    if [ ! -s "$tls/$name.pem" ]; then
      openssl req -newkey rsa:2048 -nodes -subj "/CN=$host.$domain" -keyout "$tls/$name.key" -out "$tls/$name.csr" \
        2>>"$tls/openssl.log" || exit 1
      openssl x509 -req -in "$tls/$name.csr" -CA "$tls/ca.pem" -CAkey "$tls/ca.key" -CAcreateserial -days 3650 \
        -extfile <(printf 'subjectAltName=DNS:%s.%s,DNS:%s,IP:%s\nextendedKeyUsage=serverAuth\n' "$host" "$domain" "$domain" "$ip") \
        -out "$tls/$name.pem" 2>>"$tls/openssl.log" || exit 1
    fi
    chmod 600 "$tls"/*.key
  ) 9>"$tls/lock" || die "openssl made no certificate: $(tail -1 "$tls/openssl.log")"
}

# offline FILE: carries out LDIF on the database file itself, in one transaction.
offline() {
  ldbmodify --nosync -H "$home/private/sam.ldb" --option='dsdb:schema update allowed=true' "$1" >>"$home/log/provision.log" 2>&1 ||
    die "$(basename "$1") was refused: $(tail -2 "$home/log/provision.log" | tr '\n' ' ')"
}

configuration() {
  cat >"$home/etc/smb.conf" <<END
[global]
  netbios name = ${host^^}
  realm = $realm
  workgroup = $short
  server role = active directory domain controller
  # RPC is for replication only.
  server services = ldap rpc
  prefork children = 1
  interfaces = $ip/32
  bind interfaces only = yes
  # No fsync at the end of every write: these forests do not outlive the tests.
  ldb:nosync = true
  # Simple binds without TLS are refused, as a domain controller of today does.
  ldap server require strong auth = allow_sasl_over_tls
  tls enabled = yes
  tls keyfile = $state/tls/$name.key
  tls certfile = $state/tls/$name.pem
  tls cafile = $state/tls/ca.pem
  tls verify peer = no_check
  cache directory = $home/cache
  lock directory = $home
  state directory = $home/state
  private dir = $home/private
  binddns dir = $home/bind-dns
  pid directory = $home/run
  ncalrpc dir = $home/run/ncalrpc
  winbindd socket directory = $home/run/winbindd
  ntp signd socket directory = $home/run/ntp_signd
  log file = $home/log/samba.log
  log level = 1
  max log size = 5000
END
}

provision() {
  rm -rf "$home"
  mkdir -p "$home/etc" "$home/run" "$home/log"
  printf '[global]\n' >"$home/etc/empty.conf"
  samba-tool domain provision --configfile="$home/etc/empty.conf" --targetdir="$home" --realm="$realm" --domain="$short" \
    --adminpass="$password" --server-role=dc --dns-backend=NONE --host-name=dc1 --host-ip="$ip" --use-rfc2307 --option=ldb:nosync=true \
    --option="interfaces=$ip/32" --option='bind interfaces only=yes' >"$home/log/provision.log" 2>&1 ||
    die "provisioning $realm failed: $(tail -2 "$home/log/provision.log" | tr '\n' ' ')"
  configuration
  local part
  awk -v schema="$schema" -v out="$home/schema" -f "$data/schema-ldif.awk" "$data/exchange-schema.txt" || die 'the schema is broken'
  for part in "$home"/schema.*.ldif; do offline "$part"; done
  sed -e "s/@DN@/$dn/g" -e "s/@ORGANIZATION@/$organization/g" -e "s/@DOMAIN@/$domain/g" "$data/forest.ldif" >"$home/forest.ldif"
  offline "$home/forest.ldif"
  samba-tool domain passwordsettings set -H "$home/private/sam.ldb" --configfile="$home/etc/smb.conf" --complexity=off \
    --min-pwd-length=1 --history-length=0 --min-pwd-age=0 --max-pwd-age=0 >>"$home/log/provision.log" 2>&1 ||
    die "$realm keeps its password policy: $(tail -1 "$home/log/provision.log")"
  /usr/bin/python3 "$data/accounts.py" "$home/private/sam.ldb" "$home/etc/smb.conf" "$forest" >>"$home/log/provision.log" 2>&1 ||
    die "no accounts in $realm: $(tail -1 "$home/log/provision.log")"
  rm -rf "$home"/schema.*.ldif "$home/forest.ldif" "$state/$forest.first"
  cp -a "$home" "$state/$forest.first"
  touch "$state/$forest.first/complete"
}

# join: makes a controller of its own of what the running first one hands out.
join() {
  rm -rf "$home"
  mkdir -p "$home/etc" "$home/run" "$home/log"
  printf '[global]\n' >"$home/etc/empty.conf"
  # The account's name goes with its domain: who may sign in is decided here, and nobody else can be asked.
  samba-tool domain join "$domain" DC --configfile="$home/etc/empty.conf" --targetdir="$home" --server=127.0.0.11 \
    --site=Default-First-Site-Name -U "$short\\Administrator" --password="$password" --use-kerberos=off --dns-backend=NONE \
    --option="netbios name=${host^^}" --option="interfaces=$ip/32" --option='bind interfaces only=yes' --option=ldb:nosync=true \
    >"$home/log/join.log" 2>&1 || die "no second controller joined $realm: $(tail -2 "$home/log/join.log" | tr '\n' ' ')"
  configuration
  touch "$home/complete"
}

replicate() {
  local from failed=0 pids=()
  for from in 127.0.0.11:second 127.0.0.13:source; do
    /usr/bin/python3 "$data/replicate.py" "${from%%:*}" "$password" "$short" "$state/${from#*:}/private/sam.ldb" \
      "$state/${from#*:}/etc/smb.conf" >>"$home/log/replicate.log" 2>&1 &
    pids+=($!)
  done
  for from in "${pids[@]}"; do wait "$from" || failed=1; done
  [ $failed = 0 ] || die "no replication: $(tail -1 "$home/log/replicate.log")"
}

start() {
  running && return 0
  certificates
  if [ "$name" = second ]; then
    [ -e "$home/complete" ] || join
  else
    [ -e "$state/$forest.first/complete" ] || provision
  fi
  # Samba listens on addresses that an interface has.
  ip -4 addr show dev lo | grep -q " $ip/" || ip addr add "$ip/32" dev lo || die "cannot put $ip on the loopback interface"
  rm -f "$home/run/samba.pid"
  samba -D --configfile="$home/etc/smb.conf" </dev/null >>"$home/log/start.log" 2>&1 || die "$realm did not start, see $home/log"
  local attempt
  for attempt in $(seq 300); do
    (exec 3<>"/dev/tcp/$ip/636") 2>/dev/null && return 0
    sleep 0.1
  done
  die "$realm does not answer after 30 s, see $home/log"
}

stop() {
  running || return 0
  kill -TERM "$pid"
  local attempt
  for attempt in $(seq 100); do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  # Its helpers belong to its process group and nobody else does.
  kill -KILL -- "-$pid" 2>/dev/null
  rm -f "$home/run/samba.pid"
}

fresh() {
  stop
  # What it has in common with the first one ends here.
  [ "$forest" = target ] || rm -rf "$state/second"
  [ -e "$state/$forest.first/complete" ] || return 0
  rm -rf "$home"
  cp -a "$state/$forest.first" "$home"
}

each() { # each FUNCTION: for the named forests at the same time
  local one pids=() failed=0
  for one in $which; do
    (
      describe "$one"
      "$1"
    ) &
    pids+=($!)
  done
  for one in "${pids[@]}"; do wait "$one" || failed=1; done
  [ $failed = 0 ] || exit 1
}

# withSecond: what ends the first controller ends the second one too.
withSecond() {
  case $which in *source*) which="$which second" ;; esac
}

case $action in
  start | fresh)
    "$here/debian-packages.sh" samba samba-ad-dc samba-ad-provision samba-dsdb-modules samba-vfs-modules python3-samba ldb-tools \
      iproute2 openssl || exit 1
    [ "$(id -u)" = 0 ] || die 'must be run as root'
    if [ "$action" = fresh ]; then
      describe second
      case $which in *source*) stop ;; esac
      each fresh
    fi
    each start
    each facts
    ;;
  second)
    [ "$(id -u)" = 0 ] || die 'must be run as root'
    which=second
    each start
    echo "SECOND_URL=ldaps://127.0.0.13:636"
    ;;
  replicate)
    which=second
    each replicate
    ;;
  stop)
    withSecond
    each stop
    ;;
  facts) each facts ;;
  remove)
    withSecond
    each stop
    for one in $which; do rm -rf "${state:?}/$one" "${state:?}/$one.first"; done
    ;;
  *) die "$usage" ;;
esac
