"""What ModelMesh Serving would ignore, panic on or only log: pure functions over documents, one idea a file.

Each returns every problem it finds, as "path: value, what is expected". The schemas are `upstream.spec_problems`'s.
"""
