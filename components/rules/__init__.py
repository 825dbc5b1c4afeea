"""What ModelMesh Serving would ignore, panic on or only log, one idea a file.

All are pure functions: over documents, or over the arguments of what no document says, the installation, its
configuration and the stores. Each returns every problem it finds, as "path: value, what is expected". The schemas are
`upstream.spec_problems`'s.
"""
