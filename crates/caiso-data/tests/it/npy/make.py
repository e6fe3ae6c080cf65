"""Writes numpy.txt: a line for each array, as NumPy saves it, with its name and its bytes in hexadecimal."""
import io
import numpy as np

with open("numpy.txt", "w") as out:
    for name in "f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 u8 b1".split():
        for byte_order in "<>":
            for order in "CF":
                base = np.arange(12).reshape(2, 3, 2)
                values = {"f": (base - 6) / 4, "i": base - 6, "u": base, "b": base % 3 == 0}[name[0]]
                array = np.asarray(values, dtype=byte_order + name, order=order)
                for version in [(1, 0), (2, 0), (3, 0)] if name == "f4" else [(1, 0)]:
                    file = io.BytesIO()
                    np.lib.format.write_array(file, array, version=version)
                    out.write(f"{name}{byte_order}{order}{version[0]} {file.getvalue().hex()}\n")
    for name, array in {"scalar": np.float32(7), "line": np.arange(3), "none": np.zeros((0, 4)),
                        "record": np.zeros(2, dtype=[("a", "f4"), ("b", "i4")]), "text": np.array(["a"]),
                        "complex": np.zeros(2, dtype=complex)}.items():
        file = io.BytesIO()
        np.save(file, array)
        out.write(f"{name} {file.getvalue().hex()}\n")
