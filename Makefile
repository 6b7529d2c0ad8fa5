PY := .venv/bin/python
PROTOS = $(shell find proto -name '*.proto')

.PHONY: generate

generate: ## Write the Python code of proto/ anew
	@mkdir -p build/proto/google/api
	@$(PY) -c "import google.api, pathlib, shutil; [shutil.copy(pathlib.Path(google.api.__path__[0]) / f, 'build/proto/google/api') for f in ('annotations.proto', 'http.proto')]"
	@find sdk/python/vidmesh -path '*/v1/*' -delete
	@PATH=.venv/bin:$$PATH $(PY) -m grpc_tools.protoc -Iproto -Ibuild/proto --python_out=sdk/python --grpc_python_out=sdk/python --mypy_out=sdk/python --mypy_grpc_out=sdk/python $(PROTOS)
