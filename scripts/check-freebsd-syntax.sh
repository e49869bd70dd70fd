#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Checks the vmm engine and its test without Node against FreeBSD's headers, which lie in a folder as base.txz unpacks
# them. Needs clang; builds nothing. The release may be given: check-freebsd-syntax.sh BASE [14]
set -euo pipefail
base=${1:?the folder with FreeBSD\'s usr/include, for one}
release=${2:-14}
cd "$(dirname "$0")/.."
[[ -f $base/usr/include/vmmapi.h ]] || { echo "$base/usr/include/vmmapi.h: not there" >&2; exit 1; }
status=0
for file in native/vmm/*.cc test/native/vmm/*.cc; do
  clang++ "--target=x86_64-unknown-freebsd$release" "--sysroot=$base" -stdlib=libc++ -std=c++20 -fsyntax-only \
    -Wall -Wextra -Inative "$file" || status=1
done
exit "$status"
