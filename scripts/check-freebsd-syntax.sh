#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Checks what is compiled on FreeBSD (CMakeLists.txt says what that is) against FreeBSD's headers, which lie in a folder as
# base.txz unpacks them. Needs clang, and `npm install` for the addon's part; builds nothing. Sources that want a package's
# header (xxhash, asmjit, libslirp) are checked if usr/local/include has it, and named if not.
# The release may be given: check-freebsd-syntax.sh BASE [14]
set -euo pipefail
base=${1:?the folder with FreeBSD\'s usr/include, for one}
release=${2:-14}
cd "$(dirname "$0")/.."
[[ -f $base/usr/include/vmmapi.h ]] || { echo "$base/usr/include/vmmapi.h: not there" >&2; exit 1; }
status=0

check() {
  local file=$1
  shift
  clang++ "--target=x86_64-unknown-freebsd$release" "--sysroot=$base" -stdlib=libc++ -std=c++20 -fsyntax-only \
    -Wall -Wextra -Inative -isystem "$base/usr/local/include" "$@" "$file" || status=1
}

# The package header that a source needs before all others; none for most.
package_header() {
  case $1 in
    native/snapshot/digest.cc) echo xxhash.h ;;
    native/soft/translator/translator_missing.cc) ;;
    native/soft/translator/*) echo asmjit/x86.h ;;
    native/net/slirp_link.cc | native/net/slirp_library.cc) echo slirp/libslirp.h ;;
  esac
}

while read -r file; do
  header=$(package_header "$file")
  if [[ -n $header && ! -f $base/usr/local/include/$header ]]; then
    echo "$file: not checked, $header is not there"
  elif [[ $file == native/*/* || $file == test/* ]]; then
    check "$file"
  elif [[ -d node_modules/node-addon-api && -d node_modules/node-api-headers/include ]]; then
    check "$file" -isystem node_modules/node-addon-api -isystem node_modules/node-api-headers/include \
      -DNAPI_VERSION=8 -DNAPI_CPP_EXCEPTIONS
  else
    echo "$file: not checked, node_modules has no Node-API headers"
  fi
done < <(find native test/native/vmm -name '*.cc' ! -path 'native/kvm/*' ! -path 'native/sandbox/*' ! -name '*_linux.cc' | sort)
exit "$status"
