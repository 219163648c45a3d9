# Sourced by ./run and ./test: installs what is missing, configures and builds, saying what it does.

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# What building needs, as Debian packages.
build_packages=(
  g++ cmake ninja-build                      # the tools
  protobuf-compiler libprotobuf-dev          # the wire contract
  libboost-dev rapidjson-dev zlib1g-dev      # sockets, JSON text, gzip
  libarchive-dev                             # archives that tasks fetch
  libsqlite3-dev                             # what the scheduler must not forget
  libzookeeper-mt-dev                        # finding the leading master
  libssl-dev                                 # TLS, and what is signed
  libjemalloc-dev                            # memory of a cluster with many tasks
  libcli11-dev libspdlog-dev                 # flags and logs of the programs
)

# install_packages PACKAGE… installs those that are not there.
install_packages() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f='${db:Status-Abbrev}\n' "$package" 2>/dev/null | grep -q '^ii' ||
      missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  command -v apt-get >/dev/null ||
    die "this machine has no apt-get; install the equivalents of: ${missing[*]}"
  local as_root=()
  if ((EUID != 0)); then
    command -v sudo >/dev/null ||
      die "missing packages (${missing[*]}): run this as root, or install sudo"
    as_root=(sudo)
  fi
  say "Installing with apt: ${missing[*]}"
  local log
  log=$(mktemp)
  if ! { "${as_root[@]}" apt-get update -qq &&
         "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
           apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    die "apt could not install: ${missing[*]}"
  fi
  rm -f "$log"
}

# build PRESET [TARGET…] builds with ninja; quiet when there is nothing to do.
build() {
  local dir=build/$1
  shift
  if ! ninja -C "$dir" -n "$@" 2>/dev/null | grep -q 'no work to do'; then
    say "Building in $dir${*:+: $*}"
    ninja -C "$dir" "$@" >&2 || die "the build failed (see above)"
  fi
}
