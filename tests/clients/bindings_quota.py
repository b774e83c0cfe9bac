"""cuda-bindings, unmodified, under a quota: its total is the card's, beyond it there is no memory, and
what is freed can be had again."""

from cuda.bindings import driver

MIB = 1 << 20


def ok(answer):
    status, *rest = answer
    assert status == driver.CUresult.CUDA_SUCCESS, status
    return rest[0] if len(rest) == 1 else rest


def fill(take):
    """Pieces until the first answer that is not success, and that answer."""
    pieces = []
    while True:
        status, piece = take(8 * MIB)
        if status != driver.CUresult.CUDA_SUCCESS:
            return pieces, status.name
        pieces.append(piece)


ok(driver.cuInit(0))
device = ok(driver.cuDeviceGet(0))
ok(driver.cuCtxSetCurrent(ok(driver.cuDevicePrimaryCtxRetain(device))))
stream = ok(driver.cuStreamCreate(0))
print("total", ok(driver.cuDeviceTotalMem(device)) // MIB, ok(driver.cuMemGetInfo())[1] // MIB)
for name, take, give in [
    ("cuMemAlloc", driver.cuMemAlloc, driver.cuMemFree),
    ("cuMemAllocAsync", lambda size: driver.cuMemAllocAsync(size, stream), lambda at: driver.cuMemFreeAsync(at, stream)),
]:
    for _ in range(2):
        pieces, status = fill(take)
        print(name, len(pieces) * 8, status, "free", ok(driver.cuMemGetInfo())[0] // MIB)
        for piece in pieces:
            ok(give(piece))
        ok(driver.cuStreamSynchronize(stream))
print("free", ok(driver.cuMemGetInfo())[0] // MIB)
ok(driver.cuDevicePrimaryCtxRelease(device))
