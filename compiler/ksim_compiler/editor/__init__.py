"""The editor: what ``ksim-lsp`` tells of a task while it is being written.

The server's process knows the language and never runs MuJoCo or a task's own Python files; a second
process, which may be ended at any time, checks the texts (:mod:`ksim_compiler.editor.worker`).
"""
