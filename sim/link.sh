#!/bin/sh
# Links the simulated libraries: sim/link.sh OUT_DIR STATICLIB
# OUT_DIR/<generation>/ holds libcuda.so.1 and libnvidia-ml.so.1 of each driver generation, OUT_DIR the newest.
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
        -Wl,--gc-sections -Wl,-Bsymbolic -Wl,-z,defs -Wl,-z,relro -Wl,-z,nodelete -Wl,-soname,"$2" \
        -Wl,--version-script,"$work/map" -static-libgcc -lc -lm -ldl -lpthread
    mv "$1.new" "$1"
}

sed -n 's/^ *\[\(nvml[^]]*\)\].*/\1/p' "$here/src/entries/nvml.rs" | tr ' ' '\n' >"$work/nvml"

for names in "$here"/facts/exports/*.txt; do
    generation=$(basename "$names" .txt)
    link "$out/$generation/libcuda.so.1" libcuda.so.1 "$names" "$generation"
    link "$out/$generation/libnvidia-ml.so.1" libnvidia-ml.so.1 "$work/nvml" "$generation"
    newest=$generation
done
for library in libcuda libnvidia-ml; do
    cp "$out/$newest/$library.so.1" "$out/$library.so.1.new"
    mv "$out/$library.so.1.new" "$out/$library.so.1"
    for folder in "$out" "$out"/*/; do
        ln -sf "$library.so.1" "$folder/$library.so"
    done
done
