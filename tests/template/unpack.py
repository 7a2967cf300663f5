"""Unpacks the JavaScript in a folder of wheels into a node_modules folder: unpack.py WHEELS NODE_MODULES"""

import io
import sys
import tarfile
import zipfile
from pathlib import Path

wheels, node_modules = map(Path, sys.argv[1:])
for wheel in sorted(wheels.glob("*.whl")):
    with zipfile.ZipFile(wheel) as files:
        [archive] = [name for name in files.namelist() if name.endswith(".jsii.tgz")]
        # For example ros_cdk_fc3/_jsii/ros-cdk-fc3@1.15.0.jsii.tgz, which contains a single folder, package/
        name = Path(archive).name.split("@")[0]
        with tarfile.open(fileobj=io.BytesIO(files.read(archive))) as package:
            package.extractall(wheels / name, filter="data")
    (wheels / name / "package").rename(node_modules / "@alicloud" / name)
