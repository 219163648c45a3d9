#!/usr/bin/env bash
# Formats every C++ file; with --check only tells which are not, and fails.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mapfile -t files < <(find include src framework apps bench examples tests -name '*.hpp' -o -name '*.cpp' | sort)
if [[ ${1-} == --check ]]; then
  clang-format --dry-run -Werror "${files[@]}"
else
  clang-format -i "${files[@]}"
fi
