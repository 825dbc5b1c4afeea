"""What ModelMesh Serving would ignore, panic on or only log: pure functions over documents, one file for each kind.

Each returns every problem it finds, as "path: value, what is expected". The schema is `upstream.spec_problems`' concern.
"""
