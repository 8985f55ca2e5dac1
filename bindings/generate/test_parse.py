# SPDX-License-Identifier: Apache-2.0
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

import parse  # noqa: E402
from parse import ParseError, Type  # noqa: E402

HEADER = """
#ifndef A_H_
#define A_H_
#ifdef __cplusplus
extern "C" {
#endif
#define A_AXES 5
#define FLASHRNN_API __attribute__((visibility("default")))

/* How it went. */
typedef int32_t a_status;
enum {
  A_OK = 0,
  A_BAD = 1 << 2 /* worse
                  * than that */
};

/* Stands alone. */

/* Bits of x. */
enum { A_FIRST = 1 << 0, /* one */ A_SECOND = 0x2 };
typedef struct a_thing_s* a_thing;
typedef void (*a_callback)(a_status status, const char* text, void* user);
/* A thing's facts. */
typedef struct a_facts {
  size_t struct_size;
  a_status status;
  double ratio;      /* [B, T] */
  char name[9];
  int64_t axes[A_AXES];
  const char* text;
} a_facts;
typedef struct a_pair { a_facts first; a_callback call; } a_pair;
/* Says it. */
FLASHRNN_API const char* a_name(void);
FLASHRNN_API a_status a_make(a_thing thing, const a_facts* facts,
                             void** data, a_thing* out);
#ifdef __cplusplus
}
#endif
#endif
"""


class Parse(unittest.TestCase):
    def setUp(self):
        self.header = parse.parse(HEADER)

    def test_constants(self):
        self.assertEqual(self.header.constants(), {"A_AXES": 5, "A_OK": 0, "A_BAD": 4, "A_FIRST": 1, "A_SECOND": 2})

    def test_enums_and_their_comments(self):
        status, bits = self.header.enums
        self.assertEqual((status.name, status.type, status.doc), ("a_status", "int32_t", "How it went."))
        self.assertEqual(status.values[1].doc, "worse than that")
        self.assertTrue(bits.is_bits)
        self.assertEqual(bits.doc, "Bits of x.")
        self.assertEqual(bits.values[0].doc, "one")

    def test_layout(self):
        facts, pair = self.header.structs
        self.assertEqual([f.offset for f in facts.fields], [0, 8, 16, 24, 40, 80])
        self.assertEqual((facts.size, facts.alignment, facts.fields[2].doc), (88, 8, "[B, T]"))
        self.assertEqual((pair.fields[1].offset, pair.size), (88, 96))

    def test_functions(self):
        name, make = self.header.functions
        self.assertEqual((name.result, name.parameters, name.doc), (Type("char", 1, True), [], "Says it."))
        self.assertEqual([(p.name, p.type) for p in make.parameters],
                         [("thing", Type("a_thing")), ("facts", Type("a_facts", 1, True)), ("data", Type("void", 2)),
                          ("out", Type("a_thing", 1))])

    def test_the_order_is_kept(self):
        self.assertEqual([type(item).__name__ for item in self.header.items],
                         ["Macro", "Enum", "Enum", "Handle", "Callback", "Struct", "Struct", "Function", "Function"])

    def test_what_it_does_not_know_is_an_error_with_its_line(self):
        for text, message in (
            ("typedef union a { int32_t x; } a;", "line 1"),
            ("\n\nFLASHRNN_API int32_t f(int32_t x", "line 3"),
            ("FLASHRNN_API int32_t f(unknown_t x);", "unknown_t"),
            ("typedef struct a { int32_t x : 3; } a;", "line 1"),
            ("typedef struct a { int32_t x, y; } a;", "line 1"),
            ("enum { A, B };", "line 1"),
            ("enum { A = B };", "constant"),
            ("int32_t f(void);", "line 1"),
            ("#pragma pack(1)", "pragma"),
            ("#if A\n", "end of the file"),
            ("FLASHRNN_API int32_t f(void) @", "line 1"),
        ):
            with self.subTest(text):
                with self.assertRaises(ParseError) as caught:
                    parse.parse(text)
                self.assertIn(message, str(caught.exception))


if __name__ == "__main__":
    unittest.main()
