"""Sends as many submits, polls and downloads as a run did, with nothing around them."""

from __future__ import annotations

import asyncio
import json
import sys

import aiohttp

CONCURRENCY = 64
BODY = {"prompt": "A kite.", "resolution": "480p", "duration": 4, "generate_audio": False}


async def main(base_url: str, requests: dict[str, int]) -> None:
    """Send them; each task is polled as often as the run did on average."""
    jobs = requests["submit"]
    polls = max(1, round(requests["poll"] / jobs))
    places = asyncio.Semaphore(CONCURRENCY)
    headers = {"Authorization": "Bearer any"}
    fresh = aiohttp.TCPConnector(limit=CONCURRENCY, force_close=True)
    async with (
        aiohttp.ClientSession(base_url, headers=headers, connector=fresh) as submits,
        aiohttp.ClientSession(base_url, headers=headers) as session,
    ):

        async def one() -> None:
            path = "/api/v1/bytedance/seedance-2.0-mini-t2v"
            async with places:
                async with submits.post(path, json=BODY) as answer:
                    task = (await answer.json())["data"]["task_id"]
                for _ in range(polls):
                    await asyncio.sleep(0.1)
                    async with session.get(f"/api/v1/tasks/{task}") as answer:
                        data = (await answer.json())["data"]
                while data["status"] != "success":
                    await asyncio.sleep(0.1)
                    async with session.get(f"/api/v1/tasks/{task}") as answer:
                        data = (await answer.json())["data"]
            async with session.get(data["result"]["resources"][0]["url"]) as answer:
                await answer.read()

        async with asyncio.TaskGroup() as group:
            for _ in range(jobs):
                group.create_task(one())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], json.loads(sys.argv[2])))
