#!/usr/bin/env bash
# Every header compiles alone. Usage: check_headers.sh GENERATED_PROTO_DIR
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
generated=$1
find include src framework tests -name '*.hpp' | sort |
  xargs -P 2 -I{} sh -c \
    'printf "#include \"%s\"\n" "$PWD/{}" | g++ -std=c++20 -fsyntax-only -x c++ -Wall -Wextra \
       -Iinclude -Isrc -Iframework -Itests -I. -isystem "'"$generated"'" - || { echo "{} does not compile alone"; exit 255; }'
