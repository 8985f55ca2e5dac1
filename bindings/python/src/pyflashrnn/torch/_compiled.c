// SPDX-License-Identifier: Apache-2.0
// What every call through PyTorch does, without the interpreter: sees how the tensors lie, fills
// the args struct in, runs. _call.py says the same in Python; it is used where this is not built,
// and gets from here what is out of the ordinary.
//
// One binary is for every Python from 3.10 and every PyTorch from 2.10: only Python's stable ABI is
// used, and the table of functions by which DLPack lets a framework's tensors be read.
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030A0000
#include <Python.h>
#include <stdint.h>
#include <string.h>

// ---- as DLPack 1 defines them ----

typedef struct {
  void* data;
  int32_t device_type, device_id;
  int32_t axes;
  uint8_t code, bits;
  uint16_t lanes;
  int64_t *shape, *strides;
  uint64_t byte_offset;
} Tensor;

typedef struct {
  uint32_t major, minor;
  void* older;
  void (*allocate)(void);
  void (*own)(void);
  void (*give)(void);
  int (*read)(void* object,
              Tensor* tensor);  // 0, or an exception is set; the tensor stays the object's
  void (*current_stream)(void);
} Exchange;

static int (*read_tensor)(void* object, Tensor* tensor);
static PyObject* is_neg;       // torch.Tensor.is_neg
static PyObject* check;        // raises the exception of a status
static PyObject* watchers;     // a tuple of functions: see _helper.py
static PyObject* plain_types;  // a tuple of types
static PyObject* handle_name;  // "handle"

// ---- whether anything looks at calls ----

static int is_watched(PyObject* watcher) {
  PyObject* answer = PyObject_CallNoArgs(watcher);
  const int watched = answer != Py_None && (!answer || PyObject_IsTrue(answer));
  Py_XDECREF(answer);
  return watched;
}

static int has_plain_type(PyObject* object) {
  if (object == Py_None) return 1;
  const Py_ssize_t count = PyTuple_Size(plain_types);
  for (Py_ssize_t i = 0; i < count; ++i) {
    if ((PyObject*)Py_TYPE(object) == PyTuple_GetItem(plain_types, i)) return 1;
  }
  return 0;
}

static PyObject* is_plain(PyObject* module, PyObject* const* tensors, Py_ssize_t count) {
  (void)module;
  if (!watchers) return PyErr_Format(PyExc_RuntimeError, "use() was not called");
  for (Py_ssize_t i = 0; i < count; ++i) {
    if (!has_plain_type(tensors[i])) Py_RETURN_FALSE;
  }
  const Py_ssize_t watcher_count = PyTuple_Size(watchers);
  for (Py_ssize_t i = 0; i < watcher_count; ++i) {
    if (is_watched(PyTuple_GetItem(watchers, i))) {
      PyErr_Clear();
      Py_RETURN_FALSE;
    }
  }
  Py_RETURN_TRUE;
}

// ---- layouts ----

enum { kMaxTensors = 16, kMaxAxes = 8, kMaxRecord = 3 + 2 * kMaxAxes };

// Appends all but the address. 0 where the tensor cannot be read, or its memory holds the negated
// values.
static int describe(PyObject* object, int64_t** end) {
  int64_t* at = *end;
  if (object == Py_None) {
    *at++ = -1;
  } else {
    Tensor tensor;
    if (read_tensor(object, &tensor) || tensor.axes > kMaxAxes) return 0;
    PyObject* negated = PyObject_CallFunctionObjArgs(is_neg, object, NULL);
    Py_XDECREF(negated);
    if (negated != Py_False) return 0;
    *at++ = tensor.axes;
    *at++ = ((int64_t)tensor.device_type << 32) | (uint32_t)tensor.device_id;
    *at++ = ((int64_t)tensor.code << 32) | ((int64_t)tensor.bits << 16) | tensor.lanes;
    for (int32_t axis = 0; axis < tensor.axes; ++axis) *at++ = tensor.shape[axis];
    for (int32_t axis = 0; axis < tensor.axes; ++axis) *at++ = tensor.strides[axis];
  }
  *end = at;
  return 1;
}

// NULL without an exception where a tensor has no layout that can be told here.
static PyObject* layout_of(PyObject* const* tensors, Py_ssize_t count) {
  int64_t record[kMaxTensors * kMaxRecord];
  int64_t* end = record;
  if (count > kMaxTensors || !read_tensor) return NULL;
  for (Py_ssize_t i = 0; i < count; ++i) {
    if (!describe(tensors[i], &end)) {
      PyErr_Clear();
      return NULL;
    }
  }
  return PyBytes_FromStringAndSize((const char*)record,
                                   (end - record) * (Py_ssize_t)sizeof *record);
}

static PyObject* layout(PyObject* module, PyObject* const* tensors, Py_ssize_t count) {
  (void)module;
  PyObject* found = layout_of(tensors, count);
  if (!found && !PyErr_Occurred()) Py_RETURN_NONE;
  return found;
}

// ---- calls ----

enum { kMaxWords = 160 };

typedef struct {
  PyObject* in_python;  // the Call of _call.py
  PyObject* plan;       // whose handle is looked up each time: it may have been closed
  PyObject* workspace;  // gives (address, owner) of one
  PyObject* stream;     // gives the handle of a stream, None on the CPU
  PyObject* makers;     // a tuple; None: not made
  int32_t (*function)(void* plan, const void* args);
  uint64_t words[kMaxWords];  // the args struct
  size_t word_count;
  Py_ssize_t input_count, made_count;
  int32_t input_words[kMaxTensors],
      made_words[kMaxTensors];  // where the addresses go; 0: the input is absent
  int workspace_word, stream_word, saved_word;
  unsigned long long alignment;  // of the saved memory
} Call;

static void free_call(PyObject* capsule) {
  Call* call = PyCapsule_GetPointer(capsule, NULL);
  Py_XDECREF(call->in_python);
  Py_XDECREF(call->plan);
  Py_XDECREF(call->workspace);
  Py_XDECREF(call->stream);
  Py_XDECREF(call->makers);
  PyMem_Free(call);
}

static int put_address(PyObject* tensor, uint64_t* word) {
  Tensor read;
  if (read_tensor(tensor, &read)) return 0;
  *word = (uint64_t)(uintptr_t)read.data + read.byte_offset;
  return 1;
}

static int put_number(PyObject* number, uint64_t* word) {
  if (!number) return 0;
  *word = number == Py_None ? 0 : PyLong_AsUnsignedLongLong(number);
  return !PyErr_Occurred();
}

static PyObject* run_in_python(const Call* call, PyObject* const* inputs) {
  PyErr_Clear();
  PyObject* arguments = PyTuple_New(call->input_count);
  if (!arguments) return NULL;
  for (Py_ssize_t i = 0; i < call->input_count; ++i) {
    Py_INCREF(inputs[i]);
    PyTuple_SetItem(arguments, i, inputs[i]);
  }
  PyObject* made = PyObject_Call(call->in_python, arguments, NULL);
  Py_DECREF(arguments);
  return made;
}

static PyObject* make_all(const Call* call, uint64_t* words) {
  PyObject* made = PyTuple_New(call->made_count);
  if (!made) return NULL;
  for (Py_ssize_t i = 0; i < call->made_count; ++i) {
    PyObject* make = PyTuple_GetItem(call->makers, i);
    const int none = make == Py_None;
    if (none) Py_INCREF(make);
    PyObject* tensor = none ? make : PyObject_CallNoArgs(make);
    if (!tensor || PyTuple_SetItem(made, i, tensor) ||
        (!none && !put_address(tensor, words + call->made_words[i]))) {
      Py_DECREF(made);
      return NULL;
    }
  }
  return made;
}

// With all tensors in place; the status, or -1 with an exception set.
static int32_t run_filled(const Call* call, uint64_t* words) {
  int32_t status = -1;
  uint64_t plan = 0;
  PyObject* stream = NULL;
  PyObject* handle = PyObject_GetAttr(call->plan, handle_name);
  PyObject* workspace = handle ? PyObject_CallNoArgs(call->workspace) : NULL;
  if (!workspace || !put_number(PyTuple_GetItem(workspace, 0), words + call->workspace_word) ||
      !put_number(handle, &plan)) {
    goto done;
  }
  if (call->stream != Py_None) {
    stream = PyObject_CallNoArgs(call->stream);
    if (!put_number(stream, words + call->stream_word)) goto done;
  }
  Py_BEGIN_ALLOW_THREADS;
  status = call->function((void*)(uintptr_t)plan, words);
  Py_END_ALLOW_THREADS;
done:
  Py_XDECREF(stream);
  Py_XDECREF(workspace);
  Py_XDECREF(handle);
  return status;
}

static PyObject* run_call(PyObject* capsule, PyObject* const* inputs, Py_ssize_t count) {
  const Call* call = PyCapsule_GetPointer(capsule, NULL);
  if (!call) return NULL;
  if (count != call->input_count) {
    return PyErr_Format(PyExc_TypeError, "%zd tensors are given: must be %zd", count,
                        call->input_count);
  }
  uint64_t words[kMaxWords];
  memcpy(words, call->words, call->word_count * sizeof *words);
  for (Py_ssize_t i = 0; i < count; ++i) {
    const int32_t word = call->input_words[i];
    if (word && !put_address(inputs[i], words + word)) return run_in_python(call, inputs);
  }
  PyObject* made = make_all(call, words);
  if (!made) return NULL;
  if (call->saved_word && words[call->saved_word] % call->alignment) {
    Py_DECREF(made);
    return run_in_python(call, inputs);
  }
  const int32_t status = run_filled(call, words);
  if (status > 0) Py_XDECREF(PyObject_CallFunction(check, "i", (int)status));
  if (status) {
    Py_DECREF(made);
    return NULL;
  }
  return made;
}

static PyObject* run_known(PyObject* module, PyObject* const* arguments, Py_ssize_t count) {
  (void)module;
  if (count < 2) return PyErr_Format(PyExc_TypeError, "no calls or no key are given");
  PyObject* made = NULL;
  PyObject* found = layout_of(arguments + 2, count - 2);
  PyObject* key = found ? PyTuple_Pack(2, arguments[1], found) : NULL;
  PyObject* call = key ? PyDict_GetItemWithError(arguments[0], key) : NULL;
  if (call) {
    Py_INCREF(call);  // another thread may take it out of the dictionary
    made = run_call(call, arguments + 2, count - 2);
    Py_DECREF(call);
  } else if (!PyErr_Occurred()) {
    made = Py_NewRef(Py_None);
  }
  Py_XDECREF(key);
  Py_XDECREF(found);
  return made;
}

static int take_words(int32_t* words, Py_ssize_t* count, const char* bytes, Py_ssize_t size,
                      size_t word_count) {
  *count = size / (Py_ssize_t)sizeof *words;
  if (*count > kMaxTensors) return 0;
  memcpy(words, bytes, (size_t)*count * sizeof *words);
  for (Py_ssize_t i = 0; i < *count; ++i) {
    if (words[i] < 0 || (size_t)words[i] >= word_count) return 0;
  }
  return 1;
}

static PyObject* call(PyObject* module, PyObject* arguments) {
  (void)module;
  Call* made = PyMem_Calloc(1, sizeof *made);
  PyObject* capsule = made ? PyCapsule_New(made, NULL, free_call) : PyErr_NoMemory();
  if (!capsule) {
    PyMem_Free(made);
    return NULL;
  }
  PyObject *in_python, *plan, *function, *makers, *workspace, *stream;
  const char *words, *input_words, *made_words;
  Py_ssize_t size, input_size, made_size;
  if (PyArg_ParseTuple(arguments, "OOO!y#y#y#O!OO(iii)K", &in_python, &plan, &PyLong_Type,
                       &function, &words, &size, &input_words, &input_size, &made_words, &made_size,
                       &PyTuple_Type, &makers, &workspace, &stream, &made->workspace_word,
                       &made->stream_word, &made->saved_word, &made->alignment)) {
    const size_t count = (size_t)size / sizeof *made->words;
    if (count <= kMaxWords && made->alignment &&
        take_words(made->input_words, &made->input_count, input_words, input_size, count) &&
        take_words(made->made_words, &made->made_count, made_words, made_size, count) &&
        PyTuple_Size(makers) == made->made_count) {
      made->in_python = Py_NewRef(in_python);
      made->plan = Py_NewRef(plan);
      made->workspace = Py_NewRef(workspace);
      made->stream = Py_NewRef(stream);
      made->makers = Py_NewRef(makers);
      *(void**)&made->function = PyLong_AsVoidPtr(function);
      memcpy(made->words, words, count * sizeof *made->words);
      made->word_count = count;
      return capsule;
    }
    PyErr_SetString(PyExc_ValueError, "the args struct does not have these words");
  }
  Py_DECREF(capsule);
  return NULL;
}

// ---- the module ----

static void keep(PyObject** place, PyObject* object) {
  Py_INCREF(object);
  Py_XDECREF(*place);
  *place = object;
}

static PyObject* use(PyObject* module, PyObject* arguments) {
  (void)module;
  PyObject *table, *negated, *checks, *watching, *types;
  if (!PyArg_ParseTuple(arguments, "OOOO!O!", &table, &negated, &checks, &PyTuple_Type, &watching,
                        &PyTuple_Type, &types)) {
    return NULL;
  }
  const Exchange* exchange = PyCapsule_GetPointer(table, "dlpack_exchange_api");
  if (!exchange) return NULL;
  if (exchange->major != 1 || !exchange->read) {
    return PyErr_Format(PyExc_ImportError,
                        "DLPack's table is of version %u.%u: must be 1 and read tensors",
                        exchange->major, exchange->minor);
  }
  read_tensor = exchange->read;
  keep(&is_neg, negated);
  keep(&check, checks);
  keep(&watchers, watching);
  keep(&plain_types, types);
  Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"use", use, METH_VARARGS, "What _helper.py has to say."},
    {"is_plain", (PyCFunction)(void (*)(void))is_plain, METH_FASTCALL,
     "Whether nothing but autograd looks at a call."},
    {"layout", (PyCFunction)(void (*)(void))layout, METH_FASTCALL,
     "How these tensors lie, None where it cannot say."},
    {"call", call, METH_VARARGS, "What run_known finds, of a Call of _call.py."},
    {"run_known", (PyCFunction)(void (*)(void))run_known, METH_FASTCALL,
     "run_known(calls, key, *tensors): what the call that is kept for (key, layout(*tensors)) "
     "makes, None without one."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_compiled", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__compiled(void) {
  handle_name = PyUnicode_InternFromString("handle");
  return handle_name ? PyModule_Create(&definition) : NULL;
}
