#!/usr/bin/env bash
# Usage: consumer_test.sh BUILD_DIR PROJECT_DIR. Installs, builds the project against it, runs it.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cmake --install "$1" --prefix "$scratch/installed" >"$scratch/log" || { cat "$scratch/log"; exit 1; }
cmake -S "$2" -B "$scratch/build" -G Ninja -DCMAKE_PREFIX_PATH="$scratch/installed" >"$scratch/log" ||
  { cat "$scratch/log"; exit 1; }
cmake --build "$scratch/build" >"$scratch/log" || { cat "$scratch/log"; exit 1; }
"$scratch/build/consumer"
