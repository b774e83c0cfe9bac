#!/bin/sh
# Links the simulated libraries: sim/link.sh OUT_DIR STATICLIB
# OUT_DIR/libcuda.so.1 (newest generation), OUT_DIR/<generation>/libcuda.so.1, OUT_DIR/libnvidia-ml.so.1.
set -eu
out=$1 archive=$2
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# link FILE SONAME NAMES GENERATION
link() {
    { echo "{ global:"; sed 's/$/;/' "$3"; echo "local: *; };"; } >"$work/map"
    echo "const unsigned sim_generation = $4;" | gcc -O1 -fPIC -x c -c -o "$work/generation.o" -
    mkdir -p "$(dirname "$1")"
    gcc -shared -fPIC -o "$1.new" "$work/generation.o" -Wl,--whole-archive "$archive" -Wl,--no-whole-archive \
        -Wl,--gc-sections -Wl,-Bsymbolic -Wl,-z,defs -Wl,-z,relro -Wl,-soname,"$2" \
        -Wl,--version-script,"$work/map" -static-libgcc -lc -lm -ldl -lpthread
    mv "$1.new" "$1"
}

for names in "$here"/facts/exports/*.txt; do
    generation=$(basename "$names" .txt)
    link "$out/$generation/libcuda.so.1" libcuda.so.1 "$names" "$generation"
    ln -sf libcuda.so.1 "$out/$generation/libcuda.so"
    newest=$generation
done
cp "$out/$newest/libcuda.so.1" "$out/libcuda.so.1.new"
mv "$out/libcuda.so.1.new" "$out/libcuda.so.1"
ln -sf libcuda.so.1 "$out/libcuda.so"

sed -n 's/^ *\[\(nvml[^]]*\)\].*/\1/p' "$here/src/entries/nvml.rs" | tr ' ' '\n' >"$work/nvml"
link "$out/libnvidia-ml.so.1" libnvidia-ml.so.1 "$work/nvml" "$newest"
ln -sf libnvidia-ml.so.1 "$out/libnvidia-ml.so"
