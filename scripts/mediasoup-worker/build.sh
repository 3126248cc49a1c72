#!/usr/bin/env bash
# Builds mediasoup-worker from the sources that the `mediasoup` npm package ships, against Debian 12's libraries.
# Usage: build.sh MEDIASOUP_PACKAGE_DIR OUTPUT_FILE
# Needs: meson ninja-build pkg-config g++ libssl-dev libuv1-dev libsrtp2-dev libflatbuffers-dev flatbuffers-compiler libabsl-dev
# Nothing is written but OUTPUT_FILE. What subprojects/ is for is in the README.md beside this file.
set -euo pipefail
package=${1:?the mediasoup package directory} output=${2:?the file to write}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp -r "$package/worker" "$work/worker"
cp -r "$here"/subprojects/* "$work/worker/subprojects/"
cd "$work/worker"

# Debian 12 has meson 1.0; nothing in the build needs 1.1.
sed -i "s/meson_version: '>= 1.1.0'/meson_version: '>= 1.0.0'/" meson.build
# The BIO callback answers 1 to every control call, so an OpenSSL built with kernel TLS (Debian's is) believes the
# memory BIO offloads to the kernel, allocates no write buffer, and crashes in the first DTLS handshake.
sed -i 's/(operationType == BIO_CB_RETURN) ?/(operationType \& BIO_CB_RETURN) ?/' src/RTC/DtlsTransport.cpp
grep -q 'operationType & BIO_CB_RETURN' src/RTC/DtlsTransport.cpp

meson setup "$work/build" --buildtype release -Db_ndebug=true --wrap-mode=nodownload
ninja -C "$work/build" mediasoup-worker
install -D -m 755 "$work/build/mediasoup-worker" "$output"
